import { useDeferredValue, useState } from "react";
import { type UseFormReturn, useWatch } from "react-hook-form";
import type { Language } from "../../i18n/language";
import { useLanguage } from "../../i18n/language";
import { useText } from "../../i18n/text";
import { Note } from "../../ui/Faces";
import { TextArea } from "../../ui/Field";
import { Markdown } from "../../ui/markdown";
import { Segmented } from "../../ui/Segmented";
import styles from "./InstructionsField.module.css";
import { parametersFill, parametersMissing, parametersRead, type WorkshopForm } from "./workshopForm";

/** What participants read, in each language, beside how it will look to them. */
export function InstructionsField({
  form,
  errorOf,
}: {
  form: UseFormReturn<WorkshopForm>;
  errorOf: (field: keyof WorkshopForm) => string | undefined;
}) {
  const t = useText();
  const spoken = useLanguage();
  const [language, setLanguage] = useState<Language>(() => {
    const other = spoken === "en" ? "fr" : "en";
    // What was written in one language alone is what somebody came to see.
    const { [`instructions_${spoken}` as const]: own, [`instructions_${other}` as const]: others } =
      form.getValues();
    return !own && others ? other : spoken;
  });
  const field = `instructions_${language}` as const;
  const [en, fr, written] = useWatch({
    control: form.control,
    name: ["instructions_en", "instructions_fr", "parameters"],
  });
  const text = language === "en" ? en : fr;
  // A long text is drawn when typing lets it: letters never wait for the preview.
  const drawn = useDeferredValue(text);
  const parameters = parametersRead(written);
  const missing = parametersMissing(drawn, parameters);
  return (
    <div className={styles.instructions}>
      <TextArea
        {...form.register("parameters")}
        label={t("workshop.field.parameters")}
        hint={t("workshop.field.parameters_hint")}
        error={errorOf("parameters")}
        className={styles.parameters}
        placeholder={"registry = registry.example.org\nroom = 3"}
        spellCheck={false}
        autoCapitalize="none"
      />
      <Segmented<Language>
        label={t("workshop.language")}
        value={language}
        onChoose={setLanguage}
        options={[
          {
            value: "en",
            label: en.trim() ? "English" : t("workshop.language_empty", { language: "English" }),
          },
          {
            value: "fr",
            label: fr.trim() ? "Français" : t("workshop.language_empty", { language: "Français" }),
          },
        ]}
      />
      {missing.length > 0 && (
        <Note tone="warn" icon="triangle" role="status">
          {t("workshop.parameters_missing", { count: missing.length, names: missing.join(", ") })}
        </Note>
      )}
      <div className={styles.columns}>
        <TextArea
          key={field}
          {...form.register(field)}
          label={t("workshop.field.instructions")}
          hint={t("workshop.field.instructions_hint")}
          error={errorOf(field)}
          className={styles.editor}
          lang={language}
          spellCheck
        />
        <section className={styles.preview} aria-label={t("workshop.preview")}>
          <span className={styles.label}>{t("workshop.preview")}</span>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a long text scrolls, also by keyboard. */}
          <div className={styles.paper} tabIndex={0} lang={language}>
            {drawn.trim() === "" ? (
              <p className={styles.nothing}>{t("workshop.preview_empty")}</p>
            ) : (
              <Markdown
                text={parametersFill(drawn, parameters)}
                top={3}
                words={{ copy: t("action.copy"), copied: t("action.copied"), run: t("workshop.run") }}
              />
            )}
          </div>
        </section>
      </div>
    </div>
  );
}
