//! The audit chain grows without gaps, and whoever changes a row of it is found out.

use domain::{Timestamp, audit::AuditEvent};

use super::{ANN, databases, open_sqlite};
use crate::{Db, audit};

const KEY: [u8; 32] = [3; 32];

fn event(n: i64) -> AuditEvent {
    AuditEvent {
        at: Timestamp(n),
        actor: ANN.to_owned(),
        action: "gateway.create".to_owned(),
        target_kind: "gateway".to_owned(),
        target_id: "g".to_owned(),
        outcome: "success".to_owned(),
        ip: Some("127.0.0.1".to_owned()),
        request_id: None,
        details: serde_json::json!({ "n": n }),
    }
}

async fn append(db: &Db, events: impl IntoIterator<Item = i64>) {
    for n in events {
        let mut tx = db.begin().await.unwrap();
        audit::append(&mut tx, &event(n), &KEY).await.unwrap();
        tx.commit().await.unwrap();
    }
}

#[tokio::test]
async fn the_chain_has_no_gaps_however_many_write() {
    let folder = tempfile::tempdir().unwrap();
    for db in databases(folder.path()).await {
        assert_eq!(audit::verify(&db, &KEY).await.unwrap(), (0, None), "an empty chain is sound");
        let writers = (0..4).map(|writer| {
            let db = db.clone();
            tokio::spawn(async move { append(&db, writer * 10..writer * 10 + 5).await })
        });
        for writer in writers.collect::<Vec<_>>() {
            // The chain is sound at every moment, not only when nobody writes.
            assert_eq!(audit::verify(&db, &KEY).await.unwrap().1, None);
            writer.await.unwrap();
        }
        let mut tx = db.begin().await.unwrap();
        audit::append(&mut tx, &event(99), &KEY).await.unwrap();
        drop(tx);
        assert_eq!(audit::verify(&db, &KEY).await.unwrap(), (20, None), "what is rolled back leaves no gap");
        assert_eq!(audit::verify(&db, &[4; 32]).await.unwrap(), (0, Some(1)), "another key");
        let newest = audit::list(&db, None, 3).await.unwrap();
        assert_eq!(newest.iter().map(|row| row.seq).collect::<Vec<_>>(), [20, 19, 18]);
        let next = audit::list(&db, Some(18), 1).await.unwrap();
        assert_eq!(next[0].seq, 17);
        assert_eq!(next[0].event.target_id, "g");
    }
}

#[tokio::test]
async fn a_chain_longer_than_one_page_is_walked_to_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("test.db");
    let db = open_sqlite(&file).await;
    db.migrate().await.unwrap();
    let mut tx = db.begin().await.unwrap();
    for n in 0..2_000 {
        audit::append(&mut tx, &event(n), &KEY).await.unwrap();
    }
    tx.commit().await.unwrap();
    assert_eq!(audit::verify(&db, &KEY).await.unwrap(), (2_000, None));
    let raw = sqlx::SqlitePool::connect(&format!("sqlite://{}", file.display())).await.unwrap();
    sqlx::query("DELETE FROM audit WHERE seq > 1000").execute(&raw).await.unwrap();
    assert_eq!(audit::verify(&db, &KEY).await.unwrap(), (1_000, Some(1_001)));
}

#[tokio::test]
async fn tampering_is_found() {
    for (tamper, sound, broken) in [
        ("UPDATE audit SET event = replace(event, '\"n\":2', '\"n\":3') WHERE seq = 3", 2, 3),
        ("UPDATE audit SET actor = 'bob@example.com' WHERE seq = 3", 2, 3),
        ("UPDATE audit SET at = 7 WHERE seq = 3", 2, 3),
        ("UPDATE audit SET outcome = 'denied' WHERE seq = 3", 2, 3),
        ("UPDATE audit SET target_id = 'h' WHERE seq = 3", 2, 3),
        ("UPDATE audit SET hash = '00' WHERE seq = 3", 2, 3),
        ("DELETE FROM audit WHERE seq = 3", 2, 3),
        ("DELETE FROM audit WHERE seq >= 3", 2, 3),
        ("DELETE FROM audit", 0, 1),
        ("UPDATE audit_head SET seq = 3", 2, 3),
        ("UPDATE audit_head SET hash = '00'", 3, 4),
        ("UPDATE audit SET seq = 9 WHERE seq = 4", 3, 4),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("test.db");
        let db = open_sqlite(&file).await;
        db.migrate().await.unwrap();
        append(&db, 0..4).await;
        assert_eq!(audit::verify(&db, &KEY).await.unwrap(), (4, None));
        let raw = sqlx::SqlitePool::connect(&format!("sqlite://{}", file.display())).await.unwrap();
        sqlx::query(tamper).execute(&raw).await.unwrap();
        assert_eq!(audit::verify(&db, &KEY).await.unwrap(), (sound, Some(broken)), "{tamper}");
    }
}
