use proptest::prelude::*;

use super::*;
use crate::inventory::{
    Cpu, Memory, MetricsSource, Pods, Storage, StorageClass, StorageSource, Volumes,
};

const GIB: u64 = 1024 * 1024 * 1024;

fn now() -> Timestamp {
    "2026-11-03T14:00:00Z".parse().expect("a moment")
}

/// Three nodes of 8 cores and 32 GiB, with the small things that every cluster runs.
fn inventory() -> Inventory {
    Inventory {
        cluster_uid: "uid".to_owned(),
        kubernetes_version: "v1.35.4".to_owned(),
        platform: "linux/amd64".to_owned(),
        nodes_ready: 3,
        nodes_total: 3,
        cpu: Cpu { allocatable_millicores: 24_000, requested_millicores: 1_500, ..Cpu::default() },
        memory: Memory {
            allocatable_bytes: 96 * GIB,
            requested_bytes: 2 * GIB,
            ..Memory::default()
        },
        storage: Storage { allocatable_bytes: 300 * GIB, ..Storage::default() },
        volumes: Volumes::default(),
        pods: Pods { allocatable: 330, running: 20, total: 20 },
        storage_classes: vec![StorageClass {
            name: "standard".to_owned(),
            provisioner: "local".to_owned(),
            is_default: true,
        }],
        metrics_source: MetricsSource::None,
        metrics_reason: None,
        used_observed_at: None,
        storage_source: StorageSource::None,
        storage_reason: None,
        storage_observed_at: None,
        storage_measured_nodes: None,
        missing_rights: Vec::new(),
        drivers: Driver::ALL.to_vec(),
        partial: false,
        observed_at: now(),
    }
}

fn candidate(name: &str) -> Candidate {
    Candidate {
        id: InfrastructureId::new(),
        name: name.to_owned(),
        mode: Mode::Enabled,
        state: State::Healthy,
        last_success_at: Some(now()),
        labels: BTreeMap::new(),
        is_default: false,
        weight: 0,
        environments_max: None,
        inventory: Some(inventory()),
        environments: 0,
        reserved: Amounts::default(),
    }
}

fn demand() -> Demand {
    Demand {
        driver: Driver::Vcluster,
        preset: Preset::Small,
        persistent: false,
        selector: BTreeMap::new(),
        kubernetes_version: None,
        suspects: Vec::new(),
    }
}

fn limits() -> PlacementLimits {
    PlacementLimits {
        cpu_max_percent: 85.0,
        memory_max_percent: 85.0,
        storage_max_percent: 90.0,
        environments_max: 200,
        status_age_max_seconds: 120,
    }
}

fn with(name: &str, change: impl FnOnce(&mut Candidate)) -> Candidate {
    let mut it = candidate(name);
    change(&mut it);
    it
}

fn holding(name: &str, change: impl FnOnce(&mut Inventory)) -> Candidate {
    with(name, |it| change(it.inventory.as_mut().expect("an inventory")))
}

fn decide(candidates: &[Candidate]) -> Result<Placement, Vec<Rejected>> {
    placement_decide(&demand(), candidates, &limits(), now())
}

fn chosen(candidates: &[Candidate]) -> String {
    decide(candidates).expect("a place").name
}

/// Why the only candidate is not taken.
fn refusal(demand: &Demand, candidate: Candidate) -> Vec<Rejection> {
    let mut rejected =
        placement_decide(demand, &[candidate], &limits(), now()).expect_err("nothing fits");
    assert_eq!(rejected.len(), 1);
    rejected.remove(0).reasons
}

#[test]
fn the_emptier_infrastructure_is_chosen_and_the_other_has_less_room() {
    let full = holding("lyon", |it| it.memory.requested_bytes = 60 * GIB);
    let placement = decide(&[full, candidate("paris")]).expect("a place");
    assert_eq!(placement.name, "paris");
    // 330 pods: 20 there, 3 of its own, 3 of its participant.
    assert_eq!((placement.tightest, placement.free_percent), (PlacementResource::Pods, 92.1));
    let [lyon] = placement.rejected.as_slice() else { panic!("one other") };
    assert_eq!(lyon.name, "lyon");
    assert_eq!(lyon.reasons, [Rejection::LessRoom { free_percent: 36.7 }]);
}

#[test]
fn an_infrastructure_is_as_full_as_its_tightest_resource() {
    let pods = holding("pods", |it| it.pods.total = 250);
    let memory = holding("memory", |it| it.memory.requested_bytes = 50 * GIB);
    assert_eq!(chosen(&[pods, memory]), "memory");
}

#[test]
fn what_is_used_makes_less_room_even_if_nobody_asked_for_it() {
    let used = holding("used", |it| it.memory.used_bytes = Some(70 * GIB));
    let asked = holding("asked", |it| it.memory.requested_bytes = 60 * GIB);
    assert_eq!(chosen(&[used, asked]), "asked");
}

#[test]
fn what_is_reserved_counts_before_the_cluster_shows_it() {
    let reserved = with("reserved", |it| it.reserved.cpu_millicores = 10_000);
    let asked = holding("asked", |it| it.cpu.requested_millicores = 9_000);
    assert_eq!(chosen(&[reserved, asked]), "asked");
}

#[test]
fn of_equals_the_default_is_chosen_then_the_heavier_then_by_name() {
    let default = with("c", |it| it.is_default = true);
    let heavy = with("b", |it| it.weight = 5);
    let plain = candidate("a");
    assert_eq!(chosen(&[plain.clone(), heavy.clone(), default]), "c");
    assert_eq!(chosen(&[plain.clone(), heavy]), "b");
    assert_eq!(chosen(&[candidate("z"), plain]), "a");
}

#[test]
fn less_than_a_percent_of_difference_is_a_tie() {
    let default = with("paris", |it| it.is_default = true);
    let mut a_little_emptier = holding("lyon", |it| it.pods.total = 19);
    a_little_emptier.weight = 9;
    assert_eq!(chosen(&[default, a_little_emptier]), "paris");
}

#[test]
fn where_it_failed_before_it_goes_only_if_nothing_else_would_do() {
    let empty = candidate("empty");
    let fuller = holding("fuller", |it| it.cpu.requested_millicores = 15_000);
    let again = Demand { suspects: vec![empty.id], ..demand() };
    let place = |those: &[Candidate]| {
        placement_decide(&again, those, &limits(), now()).expect("a place").name
    };
    assert_eq!(place(&[empty.clone(), fuller.clone()]), "fuller");
    let cordoned = Candidate { mode: Mode::Cordoned, ..fuller };
    assert_eq!(place(&[empty, cordoned]), "empty");
}

#[test]
fn a_refusal_names_everything_that_is_in_the_way() {
    let it = with("lyon", |it| {
        it.mode = Mode::Cordoned;
        it.state = State::Unreachable;
        it.last_success_at = Some(now() - jiff::SignedDuration::from_secs(300));
        it.environments = 200;
        let inventory = it.inventory.as_mut().expect("an inventory");
        inventory.drivers = vec![Driver::Namespace];
        inventory.kubernetes_version = "v1.33.9".to_owned();
        inventory.storage_classes.clear();
        inventory.cpu.requested_millicores = 21_000;
        inventory.cpu.used_millicores = Some(21_000);
        inventory.memory.used_bytes = Some(96 * GIB);
        inventory.pods.total = 330;
        inventory.storage.requested_bytes = 300 * GIB;
    });
    let selector = BTreeMap::from([("region".to_owned(), "eu".to_owned())]);
    let codes: Vec<_> = refusal(&Demand { persistent: true, selector, ..demand() }, it)
        .iter()
        .map(|it| serde_json::to_value(it).expect("JSON"))
        .map(|it| match it["resource"].as_str() {
            Some(resource) => format!("{} {resource}", it["code"].as_str().expect("a code")),
            None => it["code"].as_str().expect("a code").to_owned(),
        })
        .collect();
    assert_eq!(
        codes,
        [
            "mode",
            "state",
            "stale",
            "selector",
            "slots",
            "driver",
            "version",
            "storage_class",
            "requested cpu",
            "used cpu",
            "used memory",
            "requested pods",
            "requested storage",
        ]
    );
}

#[test]
fn one_that_is_switched_off_is_said_to_be_so_once() {
    let off = with("off", |it| (it.mode, it.state) = (Mode::Disabled, State::Disabled));
    assert_eq!(refusal(&demand(), off), [Rejection::Mode { mode: Mode::Disabled }]);
}

#[test]
fn one_that_was_never_read_is_not_chosen() {
    let unread = with("new", |it| it.inventory = None);
    assert_eq!(refusal(&demand(), unread), [Rejection::NotRead]);
    let never = with("never", |it| it.last_success_at = None);
    assert_eq!(refusal(&demand(), never), [Rejection::NotRead]);
}

#[test]
fn a_degraded_one_takes_environments() {
    assert_eq!(chosen(&[with("paris", |it| it.state = State::Degraded)]), "paris");
}

#[test]
fn a_control_plane_has_the_minor_version_of_its_host() {
    let wants = |version: &str, driver| Demand {
        kubernetes_version: Some(version.to_owned()),
        driver,
        ..demand()
    };
    let k3s = || holding("k3s", |it| it.kubernetes_version = "v1.35.4+k3s1".to_owned());
    let place = |demand: &Demand| placement_decide(demand, &[k3s()], &limits(), now());
    assert!(place(&wants("v1.35.0", Driver::Vcluster)).is_ok());
    assert_eq!(
        refusal(&wants("v1.36.0", Driver::Vcluster), k3s()),
        [Rejection::Version { offered: "v1.35.4+k3s1".to_owned(), wanted: "v1.36.0".to_owned() }]
    );
    assert!(place(&wants("v1.36.0", Driver::Namespace)).is_err());
}

#[test]
fn an_old_kubernetes_has_namespaces_but_no_control_planes() {
    let old = || holding("old", |it| it.kubernetes_version = "v1.31.2".to_owned());
    assert_eq!(
        refusal(&demand(), old()),
        [Rejection::Version { offered: "v1.31.2".to_owned(), wanted: "v1.34 to v1.36".to_owned() }]
    );
    let namespace = Demand { driver: Driver::Namespace, ..demand() };
    assert!(placement_decide(&namespace, &[old()], &limits(), now()).is_ok());
}

#[test]
fn an_infrastructure_takes_what_its_own_limit_says() {
    let two = with("two", |it| (it.environments_max, it.environments) = (Some(2), 2));
    assert_eq!(refusal(&demand(), two.clone()), [Rejection::Slots { taken: 2, max: 2 }]);
    let three = Candidate { environments_max: Some(3), ..two };
    assert_eq!(chosen(&[three]), "two");
}

#[test]
fn without_nodes_nothing_is_placed() {
    let empty = holding("empty", |it| {
        it.cpu = Cpu::default();
        it.memory = Memory::default();
        it.pods = Pods::default();
    });
    assert_eq!(refusal(&demand(), empty).len(), 3);
}

#[test]
fn ephemeral_storage_that_nobody_reports_limits_nothing() {
    assert_eq!(chosen(&[holding("lab", |it| it.storage = Storage::default())]), "lab");
}

#[test]
fn what_does_not_fit_reads_as_over_its_limit() {
    let full = holding("full", |it| it.cpu.requested_millicores = 20_171);
    assert_eq!(
        refusal(&demand(), full),
        [Rejection::Requested {
            resource: PlacementResource::Cpu,
            percent: 85.1,
            max_percent: 85.0
        }]
    );
}

#[test]
fn a_class_is_spread_and_the_answer_says_what_would_stop_one_more() {
    let small = |name: &str, pods| holding(name, |it| it.pods.allocatable = pods);
    let closed = with("closed", |it| it.mode = Mode::Cordoned);
    let those = vec![small("lyon", 110), small("paris", 220), closed];
    let preview = placement_preview(&demand(), those, &limits(), 50, now());
    // 90 % of the pods, less 20, in portions of 6.
    let counts: Vec<_> = preview.targets.iter().map(|it| (it.name.as_str(), it.count)).collect();
    assert_eq!(counts, [("paris", 29), ("lyon", 13)]);
    assert_eq!((preview.asked, preview.placed), (50, 42));
    let names =
        |those: &[Rejected]| -> Vec<String> { those.iter().map(|it| it.name.clone()).collect() };
    assert_eq!(names(&preview.rejected), ["closed"]);
    // What is only full comes before what nobody may use.
    assert_eq!(names(&preview.next), ["lyon", "paris", "closed"]);
    assert!(matches!(
        preview.next[0].reasons[..],
        [Rejection::Requested { resource: PlacementResource::Pods, .. }]
    ));
}

#[test]
fn while_one_more_fits_nothing_stops_it() {
    let preview = placement_preview(&demand(), vec![candidate("paris")], &limits(), 3, now());
    assert_eq!((preview.placed, preview.next), (3, Vec::new()));
    let full = with("full", |it| it.environments_max = Some(3));
    let preview = placement_preview(&demand(), vec![full], &limits(), 3, now());
    assert_eq!(preview.placed, 3);
    assert_eq!(preview.next[0].reasons, [Rejection::Slots { taken: 3, max: 3 }]);
}

#[test]
fn those_that_would_do_and_received_none_have_less_room() {
    let full = holding("full", |it| it.cpu.requested_millicores = 18_000);
    let preview = placement_preview(&demand(), vec![full, candidate("e")], &limits(), 1, now());
    assert!(matches!(preview.rejected[0].reasons[..], [Rejection::LessRoom { .. }]));
}

prop_compose! {
    /// An infrastructure as it may be met, well or not.
    fn any_candidate()(
        cpu in 0_u64..32_000,
        cpu_requested in 0_u64..20_000,
        cpu_used in prop::option::of(0_u64..20_000),
        memory_gib in 0_u64..128,
        memory_requested in 0_u64..64,
        memory_used in prop::option::of(0_u64..64),
        pods in 0_u64..330,
        storage in 0_u64..300,
        environments in 0_u32..8,
        environments_max in prop::option::of(0_u32..12),
        (mode, state, minor, age) in (
            prop::sample::select(vec![Mode::Enabled, Mode::Enabled, Mode::Enabled, Mode::Cordoned]),
            prop::sample::select(vec![State::Healthy, State::Healthy, State::Degraded, State::Stale]),
            33_u32..37,
            0_i64..150,
        ),
        (is_default, weight, name) in (any::<bool>(), 0..3_i32, "[a-d]{1,2}"),
    ) -> Candidate {
        let mut it = candidate(&name);
        (it.mode, it.state, it.is_default, it.weight) = (mode, state, is_default, weight);
        it.last_success_at = Some(now() - jiff::SignedDuration::from_secs(age));
        (it.environments, it.environments_max) = (environments, environments_max);
        let inventory = it.inventory.as_mut().expect("an inventory");
        inventory.kubernetes_version = format!("v1.{minor}.1");
        inventory.cpu.allocatable_millicores = cpu;
        inventory.cpu.requested_millicores = cpu_requested;
        inventory.cpu.used_millicores = cpu_used;
        inventory.memory.allocatable_bytes = memory_gib * GIB;
        inventory.memory.requested_bytes = memory_requested * GIB;
        inventory.memory.used_bytes = memory_used.map(|it| it * GIB);
        inventory.pods.allocatable = pods;
        inventory.storage.allocatable_bytes = storage * GIB;
        it
    }
}

fn any_candidates() -> impl Strategy<Value = Vec<Candidate>> {
    prop::collection::vec(any_candidate(), 0..12)
}

fn any_driver() -> impl Strategy<Value = Driver> {
    prop::sample::select(Driver::ALL.to_vec())
}

/// More of everything.
fn enlarged(mut it: Candidate) -> Candidate {
    let inventory = it.inventory.as_mut().expect("an inventory");
    inventory.cpu.allocatable_millicores += 5_000;
    inventory.memory.allocatable_bytes += 16 * GIB;
    inventory.pods.allocatable += 50;
    inventory.storage.allocatable_bytes += 100 * GIB;
    it.environments_max = it.environments_max.map(|it| it + 3);
    it
}

proptest! {
    /// What was chosen is within every limit with what it receives, and everybody else has at
    /// least one reason, and is named once.
    #[test]
    fn nothing_goes_over_a_limit_and_a_refusal_has_a_reason(
        candidates in any_candidates(), driver in any_driver()
    ) {
        let demand = Demand { driver, ..demand() };
        let (chosen, rejected) = match placement_decide(&demand, &candidates, &limits(), now()) {
            Ok(placement) => (Some(placement.id), placement.rejected),
            Err(rejected) => (None, rejected),
        };
        prop_assert!(rejected.iter().all(|it| !it.reasons.is_empty()));
        let named: std::collections::BTreeSet<_> =
            rejected.iter().map(|it| it.id).chain(chosen).collect();
        prop_assert_eq!(named.len(), candidates.len());
        prop_assert_eq!(rejected.len() + usize::from(chosen.is_some()), candidates.len());
        let Some(chosen) = chosen else {
            let less_room = |it: &Rejection| matches!(it, Rejection::LessRoom { .. });
            prop_assert!(!rejected.iter().flat_map(|it| &it.reasons).any(less_room));
            return Ok(());
        };
        let it = candidates.iter().find(|it| it.id == chosen).expect("a candidate");
        let inventory = it.inventory.as_ref().expect("an inventory");
        let more = demand.amounts();
        let within = |amount: u64, of: u64, percent: u64| {
            u128::from(amount) * 100 <= u128::from(of) * u128::from(percent)
        };
        let (cpu, memory) = (inventory.cpu, inventory.memory);
        prop_assert!(within(
            cpu.requested_millicores + more.cpu_millicores, cpu.allocatable_millicores, 85
        ));
        prop_assert!(within(cpu.used_millicores.unwrap_or(0), cpu.allocatable_millicores, 85));
        prop_assert!(within(
            memory.requested_bytes + more.memory_bytes, memory.allocatable_bytes, 85
        ));
        let used = memory.used_bytes.map_or(0, |it| it + more.memory_bytes);
        prop_assert!(within(used, memory.allocatable_bytes, 85));
        prop_assert!(within(inventory.pods.total + more.pods, inventory.pods.allocatable, 90));
        prop_assert!(it.environments < it.environments_max.unwrap_or(200));
        prop_assert_eq!(it.mode, Mode::Enabled);
        prop_assert!(it.state.takes_environments());
    }

    /// The preview is what placing one after the other gives, each reserved before the next.
    #[test]
    fn a_preview_is_what_then_happens(
        candidates in any_candidates(), driver in any_driver(), count in 0_u32..60
    ) {
        let demand = Demand { driver, ..demand() };
        let preview = placement_preview(&demand, candidates.clone(), &limits(), count, now());
        let mut world = candidates;
        let mut counts: BTreeMap<InfrastructureId, u32> = BTreeMap::new();
        let mut refused = None;
        for _ in 0..count {
            match placement_decide(&demand, &world, &limits(), now()) {
                Ok(placement) => {
                    *counts.entry(placement.id).or_default() += 1;
                    let it = world.iter_mut().find(|it| it.id == placement.id).expect("one");
                    it.reserved += demand.amounts();
                    it.environments += 1;
                }
                Err(rejected) => {
                    refused = Some(rejected);
                    break;
                }
            }
        }
        let previewed: BTreeMap<_, _> =
            preview.targets.iter().map(|it| (it.id, it.count)).collect();
        prop_assert_eq!(&previewed, &counts);
        prop_assert_eq!(preview.placed, counts.values().sum::<u32>());
        prop_assert_eq!(preview.placed < count, refused.is_some());
        if let Some(rejected) = refused {
            prop_assert_eq!(&preview.next, &rejected);
        }
        prop_assert_eq!(preview.targets.len() + preview.rejected.len(), world.len());
    }

    /// Larger infrastructures never take fewer.
    #[test]
    fn more_room_never_means_fewer_places(
        candidates in any_candidates(), driver in any_driver(), count in 0_u32..80
    ) {
        let demand = Demand { driver, ..demand() };
        let placed = |those| placement_preview(&demand, those, &limits(), count, now()).placed;
        let before = placed(candidates.clone());
        let after = placed(candidates.into_iter().map(enlarged).collect());
        prop_assert!(after >= before, "{after} < {before}");
    }
}

/// A thousand infrastructures and a session of a thousand: every one is looked at once, and then
/// only the one that was chosen. Were it the product of both, this test would take minutes.
#[test]
fn a_large_session_over_a_large_fleet_is_previewed_at_once() {
    let candidates: Vec<_> = (0..1_000).map(|it| candidate(&format!("it-{it:04}"))).collect();
    let preview = placement_preview(&demand(), candidates, &limits(), 1_000, now());
    assert_eq!((preview.placed, preview.targets.len()), (1_000, 1_000));
}
