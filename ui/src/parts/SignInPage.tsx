import type { ReactNode } from "react";
import { useLanguage } from "../i18n/language";
import { languageSwitch } from "../i18n/text";
import { PageHead } from "../ui/Page";
import { Segmented } from "../ui/Segmented";
import { Brand } from "./Brand";
import styles from "./SignInPage.module.css";

/** The page around a sign-in form: the name, one sentence, and the languages. */
export function SignInPage({
  title,
  answer,
  children,
}: {
  title: string;
  answer: string;
  children: ReactNode;
}) {
  const language = useLanguage();
  return (
    <div className={styles.page}>
      <header className={styles.top}>
        <Brand />
        <Segmented
          small
          label="Language, langue"
          value={language}
          options={[
            { value: "en", label: <span lang="en">English</span> },
            { value: "fr", label: <span lang="fr">Français</span> },
          ]}
          onChoose={(next) => void languageSwitch(next)}
        />
      </header>
      <main id="main" className={styles.main}>
        <PageHead title={title} answer={answer} />
        {children}
      </main>
    </div>
  );
}
