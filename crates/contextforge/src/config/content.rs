//! The options of content security. A size outside its range is wrong anywhere. An expression of the operator that does
//! not compile would be a hole that nobody sees: production refuses to start, elsewhere it is remarked and left out.

use ::content::ContentSettings;
use domain::Env;

pub(super) fn check(env: &mut Env, production: bool, remarks: &mut Vec<String>) -> Option<ContentSettings> {
    let settings = ContentSettings::read(env)?;
    let (wrong, patterns) = engine::content_security::problems(&settings);
    env.problems.extend(wrong);
    if production {
        env.problems.extend(patterns);
    } else {
        remarks.extend(patterns.iter().map(|problem| format!("{problem}; left out")));
    }
    Some(settings)
}
