//! Layer 1 with the contract's limits.

use serde_json::json;

use super::Desk;
use crate::app::command;

#[tokio::test]
async fn limits_are_bytes_and_hold_at_every_door() {
    let desk = Desk::open(&[]).await;
    let status = async |text: &str| desk.resource("text/plain", text).await.status.as_u16();
    assert_eq!(status(&"a".repeat(102_400)).await, 200, "9-01");
    assert_eq!(status(&"a".repeat(102_401)).await, 413, "9-01");
    assert_eq!(status(&"é".repeat(51_200)).await, 200, "9-01");
    assert_eq!(status(&"é".repeat(51_201)).await, 413, "9-01");
    assert_eq!(desk.prompt(&"a".repeat(10_240)).await.status.as_u16(), 200, "9-02");
    assert_eq!(desk.prompt(&"a".repeat(10_241)).await.status.as_u16(), 413, "9-02");
    let id = desk.resource("text/plain", "small").await.expect(200)["id"].as_str().unwrap().to_owned();
    let change = json!({ "content": "a".repeat(102_401) });
    let path = format!("/v1/resources/{id}");
    desk.app.send("PUT", &path, &desk.admin, Some(change)).await.expect(413);
    assert_eq!(desk.app.get(&path, &desk.admin).await.expect(200)["text"], "small", "9-04");
    let id = desk.prompt("small").await.expect(200)["id"].as_str().unwrap().to_owned();
    let change = json!({ "template": "a".repeat(10_241) });
    desk.app.send("PUT", &format!("/v1/prompts/{id}"), &desk.admin, Some(change)).await.expect(413);
}

#[tokio::test]
async fn limits_outside_their_range_are_a_mistake_of_the_configuration() {
    for (name, value) in [
        ("CONTENT_MAX_RESOURCE_SIZE", "1023"),
        ("CONTENT_MAX_RESOURCE_SIZE", "10485761"),
        ("CONTENT_MAX_PROMPT_SIZE", "511"),
        ("CONTENT_MAX_PROMPT_SIZE", "1048577"),
    ] {
        let folder = tempfile::TempDir::new().unwrap();
        let vars = [(name.to_owned(), value.to_owned())];
        let output = command(folder.path(), &vars).args(["config", "check"]).output().await.unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(!output.status.success() && text.contains(name), "9-03 {name}={value}: {text}");
    }
}
