//! Names for pretend clusters: cities, with the region they lie in.

/// A city and its region, as an administrator would write them.
pub(crate) struct City {
    /// In lower case, fit for a host name.
    pub(crate) name: &'static str,
    /// Region, as hosting companies write them.
    pub(crate) region: &'static str,
    /// Hours ahead of UTC, without daylight saving.
    pub(crate) utc_offset_hours: i8,
}

const fn city(name: &'static str, region: &'static str, utc_offset_hours: i8) -> City {
    City { name, region, utc_offset_hours }
}

/// Every city. A fleet larger than this list adds a number to the name.
pub(crate) const CITIES: [City; 60] = [
    city("paris", "fr-idf", 1),
    city("lyon", "fr-ara", 1),
    city("nantes", "fr-pdl", 1),
    city("strasbourg", "fr-ges", 1),
    city("bruxelles", "be", 1),
    city("toulouse", "fr-occ", 1),
    city("lille", "fr-hdf", 1),
    city("geneve", "ch", 1),
    city("bordeaux", "fr-naq", 1),
    city("marseille", "fr-pac", 1),
    city("rennes", "fr-bre", 1),
    city("berlin", "de", 1),
    city("grenoble", "fr-ara", 1),
    city("montpellier", "fr-occ", 1),
    city("lisbonne", "pt", 0),
    city("rouen", "fr-nor", 1),
    city("annecy", "fr-ara", 1),
    city("milan", "it", 1),
    city("brest", "fr-bre", 1),
    city("nancy", "fr-ges", 1),
    city("dijon", "fr-bfc", 1),
    city("amsterdam", "nl", 1),
    city("tours", "fr-cvl", 1),
    city("nice", "fr-pac", 1),
    city("luxembourg", "lu", 1),
    city("vienne", "at", 1),
    city("reims", "fr-ges", 1),
    city("angers", "fr-pdl", 1),
    city("barcelone", "es", 1),
    city("lausanne", "ch", 1),
    city("clermont", "fr-ara", 1),
    city("caen", "fr-nor", 1),
    city("turin", "it", 1),
    city("orleans", "fr-cvl", 1),
    city("gand", "be", 1),
    city("copenhague", "dk", 1),
    city("metz", "fr-ges", 1),
    city("bayonne", "fr-naq", 1),
    city("munich", "de", 1),
    city("limoges", "fr-naq", 1),
    city("prague", "cz", 1),
    city("avignon", "fr-pac", 1),
    city("porto", "pt", 0),
    city("besancon", "fr-bfc", 1),
    city("madrid", "es", 1),
    city("amiens", "fr-hdf", 1),
    city("varsovie", "pl", 1),
    city("poitiers", "fr-naq", 1),
    city("stockholm", "se", 1),
    city("colmar", "fr-ges", 1),
    city("dublin", "ie", 0),
    city("lorient", "fr-bre", 1),
    city("athenes", "gr", 2),
    city("la-rochelle", "fr-naq", 1),
    city("helsinki", "fi", 2),
    city("perpignan", "fr-occ", 1),
    city("budapest", "hu", 1),
    city("saint-etienne", "fr-ara", 1),
    city("hambourg", "de", 1),
    city("ajaccio", "fr-cor", 1),
];
