//! Tables for spreadsheets.

use serde_json::json;

use crate::house::House;
use crate::visitor::Answer;

/// The lines of a table.
fn lines(answer: &Answer) -> Vec<&str> {
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.header("content-type"), "text/csv; charset=utf-8");
    assert!(answer.header("content-disposition").starts_with("attachment; filename=\""));
    answer.text.lines().collect()
}

#[tokio::test]
async fn every_table_of_the_fleet_can_be_opened_in_a_spreadsheet() {
    let house = House::new(2).await;
    let admin = house.admin().await;
    let made = house.connected(&admin, 0, "=HYPERLINK(\"https://evil.example\")").await;
    house.connected(&admin, 1, "lyon").await;
    let answer = admin.get("/api/admin/infrastructures?format=csv&sort=name").await;
    let table = lines(&answer);
    assert!(table[0].starts_with("id,name,description"), "{}", table[0]);
    assert_eq!(table.len(), 3);
    assert!(table[1].contains(",\"'=HYPERLINK(\"\"https://evil.example\"\")\","), "{}", table[1]);
    assert!(table[2].contains(",lyon,"), "{}", table[2]);
    let filtered = admin.get("/api/admin/infrastructures?format=csv&q=lyon&limit=1").await;
    assert_eq!(lines(&filtered).len(), 2, "filters count, pages do not");
    let usage = admin.get("/api/admin/resources/usage?format=csv").await;
    let json = admin.get("/api/admin/resources/usage").await.ok(200);
    let nodes = json["items"][1]["nodes_total"].to_string();
    let row: Vec<&str> = lines(&usage)[2].split(',').collect();
    assert_eq!((row[1], row[8]), ("lyon", nodes.as_str()), "the same figures as in JSON");
    let path = format!("/api/admin/infrastructures/{}", made["id"].as_str().expect("an id"));
    let changes = admin.get(&format!("{path}/status-changes?format=csv")).await;
    assert_eq!(lines(&changes)[0], "state,reason,detail,since,until");
    assert!(lines(&changes)[1].starts_with("healthy,"));
    let audit = admin.get("/api/admin/audit?format=csv").await;
    assert!(lines(&audit)[1].contains(",infrastructure_created,done,"), "{}", audit.text);
}

#[tokio::test]
async fn a_table_of_more_than_a_page_is_whole() {
    let house = House::new(1).await;
    let admin = house.admin().await;
    house.connected(&admin, 0, "a").await;
    let list = admin.get("/api/admin/infrastructures").await.ok(200);
    let id = list["items"][0]["id"].as_str().expect("an id").to_owned();
    for round in 0..103 {
        let word = ["cordon", "uncordon"][round % 2];
        admin.post(&format!("/api/admin/infrastructures/{id}/{word}"), json!({})).await.ok(200);
        let path = format!("/api/admin/infrastructures/{id}/default");
        admin.put(&path, json!({})).await.ok(200);
        let trainer = house.signed_in(nalabo_core::access::Role::Trainer).await;
        trainer
            .post("/api/admin/infrastructures", json!({}))
            .await
            .refused(403, "permission_missing");
    }
    let answer = admin.get("/api/admin/audit?format=csv").await;
    assert_eq!(lines(&answer).len(), 1 + 1 + 2 * 103, "one connected, 103 modes, 103 refusals");
}
