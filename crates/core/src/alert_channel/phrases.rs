//! The sentences, one table a language. `{…}` are the slots; a sentence stands whole in its
//! table, because languages order their words differently.

use super::Language;
use crate::alert::RuleKind;

/// What is said of one rule.
pub(super) struct Phrases {
    pub opened_one: &'static str,
    pub opened_many: &'static str,
    pub resolved_one: &'static str,
    pub resolved_many: &'static str,
    /// One line of the list, when all its figures are known.
    pub line: &'static str,
}

/// What is said whatever the rule.
pub(super) struct Frame {
    pub critical: &'static str,
    pub warning: &'static str,
    pub info: &'static str,
    pub resolved: &'static str,
    pub reminder: &'static str,
    pub test: &'static str,
    pub headline: &'static str,
    pub test_title: &'static str,
    pub since_line: &'static str,
    pub resolved_line: &'static str,
    pub detail: &'static str,
    pub more_one: &'static str,
    pub more_many: &'static str,
    pub when_opened: &'static str,
    pub when_reminder: &'static str,
    pub when_resolved: &'static str,
    pub when_test: &'static str,
    pub open: &'static str,
    pub open_line: &'static str,
    pub footer: &'static str,
    pub moment: &'static str,
    /// The first day of a month.
    pub first: &'static str,
    pub percent: &'static str,
    pub months: [&'static str; 12],
    pub units: [(&'static str, &'static str); 3],
    pub moment_short: &'static str,
    pub cpu: &'static str,
    pub memory: &'static str,
    pub storage: &'static str,
    pub pods: &'static str,
}

pub(super) const fn frame(language: Language) -> &'static Frame {
    match language {
        Language::En => &ENGLISH,
        Language::Fr => &FRENCH,
    }
}

static ENGLISH: Frame = Frame {
    critical: "Critical",
    warning: "Warning",
    info: "Info",
    resolved: "Resolved",
    reminder: "Reminder ({severity})",
    test: "Test",
    headline: "{label}: {title}",
    test_title: "This is a test of the alerts of NALABO",
    since_line: "{sentence}. Noticed on {since}.",
    resolved_line: "{name}: over after {duration}, on {until}.",
    detail: "{sentence} {detail}",
    more_one: "One more is not listed here.",
    more_many: "{count} more are not listed here.",
    when_opened: "Since {opened_at}.",
    when_reminder: "Open for {duration}, since {opened_at}.",
    when_resolved: "It lasted {duration}, from {opened_at} to {resolved_at}.",
    when_test: "Sent on {opened_at} because somebody asked for it. Nothing is wrong.",
    open: "Open in NALABO",
    open_line: "Open in NALABO: {url}",
    footer: "NALABO sends this because an alert channel names you.",
    moment: "{day} {month} {year}, {time} UTC",
    first: "1",
    percent: "{value}%",
    months: [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ],
    units: [
        ("{count} day", "{count} days"),
        ("{count} hour", "{count} hours"),
        ("{count} minute", "{count} minutes"),
    ],
    moment_short: "less than a minute",
    cpu: "CPU",
    memory: "memory",
    storage: "storage",
    pods: "room for pods",
};

static FRENCH: Frame = Frame {
    critical: "Critique",
    warning: "Avertissement",
    info: "Information",
    resolved: "Résolu",
    reminder: "Rappel ({severity})",
    test: "Test",
    headline: "{label}\u{202f}: {title}",
    test_title: "Ceci est un test des alertes de NALABO",
    since_line: "{sentence}. Constaté le {since}.",
    resolved_line: "{name}\u{202f}: terminé après {duration}, le {until}.",
    detail: "{sentence} Détail technique, en anglais\u{202f}: «\u{202f}{detail}\u{202f}»",
    more_one: "Une autre n'est pas citée ici.",
    more_many: "{count} autres ne sont pas citées ici.",
    when_opened: "Depuis le {opened_at}.",
    when_reminder: "En cours depuis {duration}, c'est-à-dire depuis le {opened_at}.",
    when_resolved: "Durée\u{202f}: {duration}, du {opened_at} au {resolved_at}.",
    when_test: "Envoyé le {opened_at} parce que quelqu'un l'a demandé. Tout va bien.",
    open: "Ouvrir dans NALABO",
    open_line: "Ouvrir dans NALABO\u{202f}: {url}",
    footer: "NALABO vous écrit parce qu'un canal d'alerte vous désigne.",
    moment: "{day} {month} {year} à {time} UTC",
    first: "1er",
    percent: "{value}\u{202f}%",
    months: [
        "janvier",
        "février",
        "mars",
        "avril",
        "mai",
        "juin",
        "juillet",
        "août",
        "septembre",
        "octobre",
        "novembre",
        "décembre",
    ],
    units: [
        ("{count} jour", "{count} jours"),
        ("{count} heure", "{count} heures"),
        ("{count} minute", "{count} minutes"),
    ],
    moment_short: "moins d'une minute",
    cpu: "CPU",
    memory: "mémoire",
    storage: "stockage",
    pods: "pods",
};

pub(super) const fn phrases(language: Language, rule: RuleKind) -> Phrases {
    match language {
        Language::En => english(rule),
        Language::Fr => french(rule),
    }
}

const fn english(rule: RuleKind) -> Phrases {
    use RuleKind as R;
    match rule {
        R::Disconnected => Phrases {
            opened_one: "{name} does not answer",
            opened_many: "{count} infrastructures do not answer",
            resolved_one: "{name} answers again",
            resolved_many: "{count} infrastructures answer again",
            line: "{name} has not answered since {since}.",
        },
        R::Degraded => Phrases {
            opened_one: "{name} is degraded",
            opened_many: "{count} infrastructures are degraded",
            resolved_one: "{name} is well again",
            resolved_many: "{count} infrastructures are well again",
            line: "{name} has been degraded since {since}.",
        },
        R::CheckLate => Phrases {
            opened_one: "{name} is not checked in time",
            opened_many: "{count} infrastructures are not checked in time",
            resolved_one: "{name} is checked in time again",
            resolved_many: "{count} infrastructures are checked in time again",
            line: "{name} has not been checked in time since {since}.",
        },
        R::Flapping => Phrases {
            opened_one: "{name} keeps coming and going",
            opened_many: "{count} infrastructures keep coming and going",
            resolved_one: "{name} is steady again",
            resolved_many: "{count} infrastructures are steady again",
            line: "{name} has kept coming and going since {since}.",
        },
        R::NetworkSuspect => Phrases {
            opened_one: "Many infrastructures went silent together: look at NALABO's own network first",
            opened_many: "Many infrastructures went silent together: look at NALABO's own network first",
            resolved_one: "The infrastructures that went silent together answer again",
            resolved_many: "The infrastructures that went silent together answer again",
            line: "{name} has been silent since {since}.",
        },
        R::CpuHigh => Phrases {
            opened_one: "{name} is short of CPU",
            opened_many: "{count} infrastructures are short of CPU",
            resolved_one: "{name} has CPU to spare again",
            resolved_many: "{count} infrastructures have CPU to spare again",
            line: "CPU of {name} is at {percent}, over its threshold of {threshold}.",
        },
        R::MemoryHigh => Phrases {
            opened_one: "{name} is short of memory",
            opened_many: "{count} infrastructures are short of memory",
            resolved_one: "{name} has memory to spare again",
            resolved_many: "{count} infrastructures have memory to spare again",
            line: "Memory of {name} is at {percent}, over its threshold of {threshold}.",
        },
        R::StorageHigh => Phrases {
            opened_one: "{name} is short of storage",
            opened_many: "{count} infrastructures are short of storage",
            resolved_one: "{name} has storage to spare again",
            resolved_many: "{count} infrastructures have storage to spare again",
            line: "Storage of {name} is at {percent}, over its threshold of {threshold}.",
        },
        R::PodsHigh => Phrases {
            opened_one: "{name} has little room left for pods",
            opened_many: "{count} infrastructures have little room left for pods",
            resolved_one: "{name} has room for pods again",
            resolved_many: "{count} infrastructures have room for pods again",
            line: "Pods of {name} are at {percent}, over their threshold of {threshold}.",
        },
        R::CredentialExpiring => Phrases {
            opened_one: "The credential of {name} ends soon",
            opened_many: "The credentials of {count} infrastructures end soon",
            resolved_one: "The credential of {name} was replaced",
            resolved_many: "The credentials of {count} infrastructures were replaced",
            line: "The credential of {name} ends on {ends_at}.",
        },
        R::CredentialExpired => Phrases {
            opened_one: "The credential of {name} has ended",
            opened_many: "The credentials of {count} infrastructures have ended",
            resolved_one: "The credential of {name} was replaced",
            resolved_many: "The credentials of {count} infrastructures were replaced",
            line: "The credential of {name} ended on {ends_at}.",
        },
        R::CertificateExpiring => Phrases {
            opened_one: "The certificate of {name} ends soon",
            opened_many: "The certificates of {count} infrastructures end soon",
            resolved_one: "The certificate of {name} was renewed",
            resolved_many: "The certificates of {count} infrastructures were renewed",
            line: "The certificate of {name} ends on {ends_at}.",
        },
        R::VersionUnsupported => Phrases {
            opened_one: "{name} runs a version of Kubernetes that receives no more fixes",
            opened_many: "{count} infrastructures run a version of Kubernetes that receives no more fixes",
            resolved_one: "{name} runs a supported version of Kubernetes again",
            resolved_many: "{count} infrastructures run a supported version of Kubernetes again",
            line: "{name} runs Kubernetes {version}, which receives no more fixes.",
        },
        R::VersionSkew => Phrases {
            opened_one: "Nodes of {name} are too far from its API server in version",
            opened_many: "Nodes of {count} infrastructures are too far from their API servers in version",
            resolved_one: "The nodes of {name} are close to its API server in version again",
            resolved_many: "The nodes of {count} infrastructures are close to their API servers in version again",
            line: "The API server of {name} runs Kubernetes {version}, and some of its nodes are too far from it.",
        },
        R::ForecastFull => Phrases {
            opened_one: "{name} will soon be full at this rate",
            opened_many: "{count} infrastructures will soon be full at this rate",
            resolved_one: "{name} will not be full soon any more",
            resolved_many: "{count} infrastructures will not be full soon any more",
            line: "At this rate, {name} has no {resource} left on {ends_at}.",
        },
    }
}

const fn french(rule: RuleKind) -> Phrases {
    use RuleKind as R;
    match rule {
        R::Disconnected => Phrases {
            opened_one: "{name} ne répond plus",
            opened_many: "{count} infrastructures ne répondent plus",
            resolved_one: "{name} répond à nouveau",
            resolved_many: "{count} infrastructures répondent à nouveau",
            line: "{name} ne répond plus depuis le {since}.",
        },
        R::Degraded => Phrases {
            opened_one: "{name} fonctionne mal",
            opened_many: "{count} infrastructures fonctionnent mal",
            resolved_one: "{name} fonctionne bien à nouveau",
            resolved_many: "{count} infrastructures fonctionnent bien à nouveau",
            line: "{name} fonctionne mal depuis le {since}.",
        },
        R::CheckLate => Phrases {
            opened_one: "{name} n'est plus vérifiée à temps",
            opened_many: "{count} infrastructures ne sont plus vérifiées à temps",
            resolved_one: "{name} est à nouveau vérifiée à temps",
            resolved_many: "{count} infrastructures sont à nouveau vérifiées à temps",
            line: "{name} n'est plus vérifiée à temps depuis le {since}.",
        },
        R::Flapping => Phrases {
            opened_one: "{name} va et vient",
            opened_many: "{count} infrastructures vont et viennent",
            resolved_one: "{name} est à nouveau stable",
            resolved_many: "{count} infrastructures sont à nouveau stables",
            line: "{name} va et vient depuis le {since}.",
        },
        R::NetworkSuspect => Phrases {
            opened_one: "Beaucoup d'infrastructures se sont tues ensemble\u{202f}: regardez d'abord le réseau de NALABO",
            opened_many: "Beaucoup d'infrastructures se sont tues ensemble\u{202f}: regardez d'abord le réseau de NALABO",
            resolved_one: "Les infrastructures qui s'étaient tues ensemble répondent à nouveau",
            resolved_many: "Les infrastructures qui s'étaient tues ensemble répondent à nouveau",
            line: "{name} se tait depuis le {since}.",
        },
        R::CpuHigh => Phrases {
            opened_one: "{name} manque de CPU",
            opened_many: "{count} infrastructures manquent de CPU",
            resolved_one: "{name} a de nouveau assez de CPU",
            resolved_many: "{count} infrastructures ont de nouveau assez de CPU",
            line: "Le CPU de {name} est à {percent}, au-delà du seuil de {threshold}.",
        },
        R::MemoryHigh => Phrases {
            opened_one: "{name} manque de mémoire",
            opened_many: "{count} infrastructures manquent de mémoire",
            resolved_one: "{name} a de nouveau assez de mémoire",
            resolved_many: "{count} infrastructures ont de nouveau assez de mémoire",
            line: "La mémoire de {name} est à {percent}, au-delà du seuil de {threshold}.",
        },
        R::StorageHigh => Phrases {
            opened_one: "{name} manque de stockage",
            opened_many: "{count} infrastructures manquent de stockage",
            resolved_one: "{name} a de nouveau assez de stockage",
            resolved_many: "{count} infrastructures ont de nouveau assez de stockage",
            line: "Le stockage de {name} est à {percent}, au-delà du seuil de {threshold}.",
        },
        R::PodsHigh => Phrases {
            opened_one: "{name} n'a presque plus de place pour des pods",
            opened_many: "{count} infrastructures n'ont presque plus de place pour des pods",
            resolved_one: "{name} a de nouveau de la place pour des pods",
            resolved_many: "{count} infrastructures ont de nouveau de la place pour des pods",
            line: "Les pods de {name} sont à {percent}, au-delà du seuil de {threshold}.",
        },
        R::CredentialExpiring => Phrases {
            opened_one: "L'accès à {name} expire bientôt",
            opened_many: "Les accès à {count} infrastructures expirent bientôt",
            resolved_one: "L'accès à {name} a été remplacé",
            resolved_many: "Les accès à {count} infrastructures ont été remplacés",
            line: "L'accès à {name} expire le {ends_at}.",
        },
        R::CredentialExpired => Phrases {
            opened_one: "L'accès à {name} a expiré",
            opened_many: "Les accès à {count} infrastructures ont expiré",
            resolved_one: "L'accès à {name} a été remplacé",
            resolved_many: "Les accès à {count} infrastructures ont été remplacés",
            line: "L'accès à {name} a expiré le {ends_at}.",
        },
        R::CertificateExpiring => Phrases {
            opened_one: "Le certificat de {name} expire bientôt",
            opened_many: "Les certificats de {count} infrastructures expirent bientôt",
            resolved_one: "Le certificat de {name} a été renouvelé",
            resolved_many: "Les certificats de {count} infrastructures ont été renouvelés",
            line: "Le certificat de {name} expire le {ends_at}.",
        },
        R::VersionUnsupported => Phrases {
            opened_one: "{name} utilise une version de Kubernetes qui n'est plus corrigée",
            opened_many: "{count} infrastructures utilisent une version de Kubernetes qui n'est plus corrigée",
            resolved_one: "{name} utilise à nouveau une version de Kubernetes maintenue",
            resolved_many: "{count} infrastructures utilisent à nouveau une version de Kubernetes maintenue",
            line: "{name} utilise Kubernetes {version}, qui n'est plus corrigé.",
        },
        R::VersionSkew => Phrases {
            opened_one: "Des nœuds de {name} sont trop éloignés de la version de son serveur d'API",
            opened_many: "Des nœuds de {count} infrastructures sont trop éloignés de la version de leur serveur d'API",
            resolved_one: "Les nœuds de {name} sont à nouveau proches de la version de son serveur d'API",
            resolved_many: "Les nœuds de {count} infrastructures sont à nouveau proches de la version de leur serveur d'API",
            line: "Le serveur d'API de {name} utilise Kubernetes {version}, et certains de ses nœuds en sont trop éloignés.",
        },
        R::ForecastFull => Phrases {
            opened_one: "À ce rythme, {name} sera bientôt pleine",
            opened_many: "À ce rythme, {count} infrastructures seront bientôt pleines",
            resolved_one: "{name} ne sera plus pleine de sitôt",
            resolved_many: "{count} infrastructures ne seront plus pleines de sitôt",
            line: "À ce rythme, {name} n'aura plus de marge en {resource} le {ends_at}.",
        },
    }
}
