// Sets the chosen theme and language on <html> before the first paint. Its keys are those of
// src/ui/theme.ts and src/i18n/language.ts.
(() => {
  const root = document.documentElement;
  let theme = null;
  let language = null;
  try {
    theme = localStorage.getItem("nalabo.theme");
    language = localStorage.getItem("nalabo.language");
  } catch {
    // Storage is forbidden: the system and the browser decide.
  }
  if (theme === "light" || theme === "dark") root.dataset.theme = theme;
  root.lang = (language || navigator.language || "en").startsWith("fr") ? "fr" : "en";
})();
