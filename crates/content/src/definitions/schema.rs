//! Bounds of a schema: depth, size, branching, and no reference that would have to be fetched.

use domain::Problem;
use serde_json::Value;

/// Deepest nesting.
pub const DEEPEST: usize = 32;
/// Largest schema in bytes of canonical JSON.
pub const LARGEST: usize = 64 * 1024;
/// Most alternatives of all `oneOf`, `anyOf` and `allOf` together.
pub const MOST_BRANCHES: usize = 512;

/// What is wrong with a schema; `field` leads the names of the places.
pub fn problems(field: &str, schema: &Value) -> Vec<Problem> {
    let mut walk = Walk { problems: Vec::new(), branches: 0, bytes: 0 };
    walk.visit(schema, field, 0);
    if walk.bytes > LARGEST {
        walk.report(field, format!("is larger than {LARGEST} bytes"));
    }
    if walk.branches > MOST_BRANCHES {
        walk.report(field, format!("has more than {MOST_BRANCHES} alternatives"));
    }
    walk.problems
}

struct Walk {
    problems: Vec<Problem>,
    branches: usize,
    bytes: usize,
}

impl Walk {
    fn report(&mut self, field: &str, message: String) {
        self.problems.push(Problem { field: field.to_owned(), message });
    }

    fn visit(&mut self, value: &Value, path: &str, depth: usize) {
        if depth > DEEPEST {
            if !self.problems.iter().any(|problem| problem.message.contains("deep")) {
                self.report(path, format!("is more than {DEEPEST} levels deep"));
            }
            return;
        }
        // Past the limit nothing that follows changes the outcome, and the walk stays bounded.
        if self.bytes > LARGEST {
            return;
        }
        match value {
            Value::Object(members) => {
                for (name, member) in members {
                    self.bytes += name.len() + 4;
                    self.member(name, member, path);
                    self.visit(member, &format!("{path}/{name}"), depth + 1);
                }
            }
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.visit(item, &format!("{path}/{index}"), depth + 1);
                }
            }
            Value::String(text) => self.bytes += text.len() + 2,
            _ => self.bytes += 4,
        }
    }

    fn member(&mut self, name: &str, member: &Value, path: &str) {
        match (name, member) {
            ("oneOf" | "anyOf" | "allOf", Value::Array(items)) => self.branches += items.len(),
            ("$ref" | "$dynamicRef" | "$recursiveRef", Value::String(target)) if !target.starts_with('#') => {
                self.report(
                    &format!("{path}/{name}"),
                    "refers to something outside of the schema".to_owned(),
                );
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn messages(schema: &Value) -> Vec<String> {
        problems("inputSchema", schema)
            .into_iter()
            .map(|problem| format!("{} {}", problem.field, problem.message))
            .collect()
    }

    #[test]
    fn references_stay_inside() {
        assert!(messages(&json!({"$schema": "https://json-schema.org/x", "$id": "https://a.example", "items": {"$ref": "#/$defs/a"}})).is_empty());
        for target in ["http://169.254.169.254/", "file:///etc/passwd", "//host/x", "other.json"] {
            assert_eq!(
                messages(&json!({"items": {"$ref": target}})),
                ["inputSchema/items/$ref refers to something outside of the schema"]
            );
        }
    }

    #[test]
    fn depth_size_and_branching_are_bounded() {
        let deep = (0..100).fold(json!(1), |inner, _| json!({"a": inner}));
        assert_eq!(messages(&deep).len(), 1);
        let many: Vec<Value> = (0..20_000).map(|_| json!({})).collect();
        assert!(messages(&json!({"oneOf": many})).iter().any(|message| message.contains("alternatives")));
        assert!(
            messages(&json!({"description": "x".repeat(70_000)}))
                .iter()
                .any(|message| message.contains("larger"))
        );
    }
}
