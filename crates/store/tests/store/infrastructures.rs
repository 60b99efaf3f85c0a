//! Connected clusters in the database.

use nalabo_core::health::State;
use nalabo_core::id::InfrastructureId;
use nalabo_core::infrastructure::{
    EnvironmentClass, Infrastructure, Labels, Mode, MonitoringOptions, PrometheusAt,
};
use nalabo_store::testing::TestDb;
use nalabo_store::{
    InfrastructureChange, InfrastructureFilter, commit, constraint, infrastructure_count,
    infrastructure_default_clear, infrastructure_default_ensure, infrastructure_default_find,
    infrastructure_default_set, infrastructure_delete, infrastructure_find,
    infrastructure_find_by_cluster, infrastructure_find_by_name, infrastructure_insert,
    infrastructure_lease_name, infrastructure_list, infrastructure_mode_set,
    infrastructure_source_replace, infrastructure_update, inventory_set, lease_acquire,
    status_change_list,
};
use uuid::Uuid;

use crate::fixture::*;

#[tokio::test]
async fn what_is_connected_is_read_back_whole() {
    let db = TestDb::new().await;
    let (name, labels) = (name("Salle 3 – été"), labels(&[("team", "cloud"), ("floor", "3")]));
    let (source, status) = (source("https://paris.example:6443"), unreachable(noon()));
    let inventory = inventory("uid-1", at("2026-11-22T11:59:58Z"));
    let mut new = new_infrastructure(&name, &labels, &source, &status);
    new.description = "the rack by the window";
    new.environment = EnvironmentClass::Production;
    new.region = Some("eu-west");
    new.mode = Mode::Cordoned;
    new.is_default = true;
    new.cluster_uid = Some("uid-1");
    new.certificate_expires_at = Some(at("2027-03-01T00:00:00Z"));
    new.inventory = Some(&inventory);
    let mut tx = db.begin().await.expect("begin");
    infrastructure_insert(&mut tx, &new).await.expect("insert");
    tx.commit().await.expect("commit");

    let found = infrastructure_find(db.pool(), new.id).await.expect("query").expect("is there");
    let expected = Infrastructure {
        id: new.id,
        name: name.clone(),
        description: "the rack by the window".to_owned(),
        environment: EnvironmentClass::Production,
        labels: labels.clone(),
        region: Some("eu-west".to_owned()),
        mode: Mode::Cordoned,
        is_default: true,
        source: source.clone(),
        cluster_uid: Some("uid-1".to_owned()),
        monitoring: MonitoringOptions::default(),
        status: status.clone(),
        inventory: Some(inventory.clone()),
        certificate_expires_at: Some(at("2027-03-01T00:00:00Z")),
        created_at: noon(),
        updated_at: noon(),
        revision: 1,
    };
    assert_eq!(found, expected);
    let listed = infrastructure_list(db.pool(), &InfrastructureFilter::default()).await;
    assert_eq!(listed.expect("query"), [expected]);
    assert_eq!(infrastructure_find(db.pool(), InfrastructureId::new()).await.expect("query"), None);
}

#[tokio::test]
async fn a_list_holds_what_matches_all_of_the_filter() {
    let db = TestDb::new().await;
    let labels = labels(&[("team", "cloud")]);
    for (text, environment, mode, state) in [
        ("Lyon", EnvironmentClass::Production, Mode::Enabled, State::Healthy),
        ("paris", EnvironmentClass::Lab, Mode::Enabled, State::Unreachable),
        ("Brest 100%", EnvironmentClass::Lab, Mode::Cordoned, State::Healthy),
    ] {
        let (name, source) = (name(text), source("https://k8s.example:6443"));
        let status = nalabo_core::health::Status { state, ..healthy(noon()) };
        let mut new = new_infrastructure(&name, &labels, &source, &status);
        new.environment = environment;
        new.mode = mode;
        let mut tx = db.begin().await.expect("begin");
        infrastructure_insert(&mut tx, &new).await.expect("insert");
        tx.commit().await.expect("commit");
    }
    let names = async |filter: InfrastructureFilter| {
        let found = infrastructure_list(db.pool(), &filter).await.expect("query");
        found.iter().map(|it| it.name.to_string()).collect::<Vec<_>>().join(", ")
    };
    let all = InfrastructureFilter::default;
    let q = |text: &str| InfrastructureFilter { q: Some(text.to_owned()), ..all() };
    assert_eq!(names(all()).await, "Brest 100%, Lyon, paris");
    assert_eq!(names(q("PAR")).await, "paris");
    assert_eq!(names(q("team\": \"cloud")).await, "Brest 100%, Lyon, paris");
    assert_eq!(names(q("k8s.example")).await, "Brest 100%, Lyon, paris");
    assert_eq!(names(q("0%")).await, "Brest 100%", "a percent sign is a percent sign");
    assert_eq!(names(q("_")).await, "", "an underscore is an underscore");
    assert_eq!(names(q("nobody")).await, "");
    let state = |states: &[State]| InfrastructureFilter { states: states.to_vec(), ..all() };
    assert_eq!(names(state(&[State::Unreachable])).await, "paris");
    assert_eq!(
        names(state(&[State::Unreachable, State::Healthy])).await,
        "Brest 100%, Lyon, paris"
    );
    let lab = InfrastructureFilter { environments: vec![EnvironmentClass::Lab], ..all() };
    assert_eq!(names(lab.clone()).await, "Brest 100%, paris");
    assert_eq!(
        names(InfrastructureFilter { modes: vec![Mode::Cordoned], ..lab }).await,
        "Brest 100%"
    );
}

#[tokio::test]
async fn a_name_and_a_cluster_are_taken_once() {
    let db = TestDb::new().await;
    let paris = infrastructure(&db, "Paris").await;
    let mut tx = db.begin().await.expect("begin");
    let again = infrastructure_in(&mut tx, "pARIS", "https://paris-2.example:6443").await;
    assert_eq!(conflict(again), constraint::INFRASTRUCTURE_NAME);
    drop(tx);
    let found = infrastructure_find_by_name(db.pool(), &name("PARIS")).await.expect("query");
    assert_eq!(found, Some((paris, name("Paris"))));

    let lyon = infrastructure(&db, "Lyon").await;
    assert!(inventory_set(db.pool(), paris, &inventory("uid-1", noon()), None).await.expect("set"));
    let found = infrastructure_find_by_cluster(db.pool(), "uid-1").await.expect("query");
    assert_eq!(found, Some((paris, name("Paris"))), "the first check says which cluster it is");
    let mut tx = db.begin().await.expect("begin");
    let face = source("https://lyon.example:6443");
    let again =
        infrastructure_source_replace(&mut tx, lyon, &face, Some("uid-1"), None, noon()).await;
    assert_eq!(conflict(again), constraint::INFRASTRUCTURE_CLUSTER);
    drop(tx);
    // The same cluster seen under a second name keeps its figures, and its identity stays with
    // the first.
    assert!(inventory_set(db.pool(), lyon, &inventory("uid-1", noon()), None).await.expect("set"));
    let lyon = infrastructure_find(db.pool(), lyon).await.expect("query").expect("is there");
    assert_eq!(lyon.cluster_uid, None);
    assert!(lyon.inventory.is_some());
}

#[tokio::test]
async fn one_infrastructure_is_the_default_and_no_two() {
    let db = TestDb::new().await;
    let (paris, lyon) = (infrastructure(&db, "paris").await, infrastructure(&db, "lyon").await);
    assert_eq!(infrastructure_default_find(db.pool()).await.expect("query"), None);
    for id in [paris, lyon, paris] {
        let mut tx = db.begin().await.expect("begin");
        assert!(infrastructure_default_set(&mut tx, id, noon()).await.expect("set"));
        tx.commit().await.expect("commit");
        let found = infrastructure_default_find(db.pool()).await.expect("query");
        assert_eq!(found.map(|it| it.0), Some(id));
    }
    let (name, labels) = (name("brest"), Labels::default());
    let (source, status) = (source("https://brest.example:6443"), healthy(noon()));
    let mut new = new_infrastructure(&name, &labels, &source, &status);
    new.is_default = true;
    let mut tx = db.begin().await.expect("begin");
    let second = infrastructure_insert(&mut tx, &new).await;
    assert_eq!(conflict(second), constraint::INFRASTRUCTURE_DEFAULT);
    drop(tx);
    let mut tx = db.begin().await.expect("begin");
    infrastructure_default_clear(&mut tx, noon()).await.expect("cleared");
    infrastructure_insert(&mut tx, &new).await.expect("insert");
    tx.commit().await.expect("commit");
    let found = infrastructure_default_find(db.pool()).await.expect("query");
    assert_eq!(found.map(|it| it.0), Some(new.id));
}

#[tokio::test]
async fn two_first_clusters_connected_at_once_make_one_default() {
    let db = TestDb::new().await;
    let (paris, lyon) = (infrastructure(&db, "paris").await, infrastructure(&db, "lyon").await);
    let mut first = db.begin().await.expect("begin");
    infrastructure_default_ensure(&mut first, paris, noon()).await.expect("paris");
    let other = (*db).clone();
    let second = tokio::spawn(async move {
        let mut second = other.begin().await.expect("begin");
        infrastructure_default_ensure(&mut second, lyon, noon()).await?;
        commit(second).await
    });
    // The second has asked and cannot see the first yet.
    let waiting = "SELECT count(*) FROM pg_stat_activity \
                   WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while sqlx::query_scalar::<_, i64>(waiting).fetch_one(db.pool()).await.expect("asked") == 0 {
        assert!(std::time::Instant::now() < deadline, "the second never waited");
        tokio::task::yield_now().await;
    }
    commit(first).await.expect("commit");
    second.await.expect("no panic").expect("the second goes through");
    let found = infrastructure_default_find(db.pool()).await.expect("query");
    assert_eq!(found.map(|it| it.0), Some(paris));
}

#[tokio::test]
async fn a_change_made_on_an_old_copy_is_refused() {
    let db = TestDb::new().await;
    let id = infrastructure(&db, "paris").await;
    let (name, labels) = (name("Paris 2"), labels(&[("floor", "2")]));
    let change = InfrastructureChange {
        name: &name,
        description: "moved",
        environment: EnvironmentClass::Staging,
        labels: &labels,
        region: Some("eu"),
        monitoring: None,
    };
    let later = at("2026-11-22T12:05:00Z");
    let mut tx = db.begin().await.expect("begin");
    assert!(infrastructure_update(&mut tx, id, &change, 1, later).await.expect("update"));
    assert!(!infrastructure_update(&mut tx, id, &change, 1, later).await.expect("update"));
    tx.commit().await.expect("commit");
    let found = infrastructure_find(db.pool(), id).await.expect("query").expect("is there");
    assert_eq!((found.revision, found.updated_at, found.name), (2, later, name.clone()));
    assert_eq!(
        (found.environment, found.region.as_deref()),
        (EnvironmentClass::Staging, Some("eu"))
    );
    assert_eq!((found.labels, found.description.as_str()), (labels.clone(), "moved"));
}

#[tokio::test]
async fn options_of_monitoring_stay_until_somebody_says_others() {
    let db = TestDb::new().await;
    let id = infrastructure(&db, "paris").await;
    let (name, labels) = (name("paris"), labels(&[]));
    let options = MonitoringOptions { kubelet_summary: true, prometheus: PrometheusAt::Off };
    for (revision, said, kept) in [
        (1, None, MonitoringOptions::default()),
        (2, Some(&options), options.clone()),
        (3, None, options.clone()),
    ] {
        let change = InfrastructureChange {
            name: &name,
            description: "",
            environment: EnvironmentClass::Training,
            labels: &labels,
            region: None,
            monitoring: said,
        };
        let mut tx = db.begin().await.expect("begin");
        let done = infrastructure_update(&mut tx, id, &change, revision, noon()).await;
        assert!(done.expect("update"));
        tx.commit().await.expect("commit");
        let found = infrastructure_find(db.pool(), id).await.expect("query").expect("is there");
        assert_eq!(found.monitoring, kept);
    }
}

#[tokio::test]
async fn what_the_watcher_reads_does_not_outdate_an_open_form() {
    let db = TestDb::new().await;
    let id = infrastructure(&db, "paris").await;
    let later = at("2026-11-22T12:05:00Z");
    let expires = Some(at("2027-03-01T00:00:00Z"));
    assert!(inventory_set(db.pool(), id, &inventory("uid", later), expires).await.expect("set"));
    assert!(
        !inventory_set(db.pool(), id, &inventory("uid", noon()), None).await.expect("set"),
        "an older inventory does not replace a newer one"
    );
    let found = infrastructure_find(db.pool(), id).await.expect("query").expect("is there");
    assert_eq!(found.revision, 1);
    assert_eq!(found.inventory.map(|it| it.observed_at), Some(later));
    assert_eq!(found.certificate_expires_at, expires);
}

#[tokio::test]
async fn an_inventory_that_this_version_cannot_read_counts_as_absent() {
    let db = TestDb::new().await;
    let id = infrastructure(&db, "paris").await;
    sqlx::query("UPDATE infrastructures SET inventory = '{\"nodes\": 3}'")
        .execute(db.pool())
        .await
        .expect("as another version wrote it");
    let found = infrastructure_find(db.pool(), id).await.expect("query").expect("is there");
    assert_eq!(found.inventory, None);
}

#[tokio::test]
async fn a_deleted_infrastructure_leaves_nothing_behind() {
    let db = TestDb::new().await;
    let dir = tempfile::tempdir().expect("a folder");
    let ring = ring(dir.path(), &["key"]);
    nalabo_store::key_ring_verify(&db, &ring).await.expect("a new key");
    let id = connected(&db, &ring, "paris", "secret").await;
    let lease = infrastructure_lease_name(id);
    let ttl = std::time::Duration::from_secs(30);
    lease_acquire(db.pool(), &[lease], Uuid::now_v7(), ttl).await.expect("lease");
    assert_eq!(infrastructure_count(db.pool()).await.expect("count"), 1);
    assert_eq!(status_change_list(db.pool(), id, None, 10).await.expect("list").len(), 1);

    let mut tx = db.begin().await.expect("begin");
    assert!(infrastructure_mode_set(&mut tx, id, Mode::Disabled, noon()).await.expect("set"));
    assert!(infrastructure_delete(&mut tx, id).await.expect("delete"));
    assert!(!infrastructure_delete(&mut tx, id).await.expect("delete"), "it is gone");
    assert!(!infrastructure_mode_set(&mut tx, id, Mode::Enabled, noon()).await.expect("set"));
    tx.commit().await.expect("commit");
    for table in [
        "infrastructures",
        "infrastructure_credentials",
        "infrastructure_statuses",
        "status_changes",
        "leases",
    ] {
        let count = sqlx::AssertSqlSafe(format!("SELECT count(*) FROM {table}"));
        let rows: i64 = sqlx::query_scalar(count).fetch_one(db.pool()).await.expect("count");
        assert_eq!(rows, 0, "{table}");
    }
}
