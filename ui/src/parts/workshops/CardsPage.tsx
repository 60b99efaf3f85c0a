/** Cards to print and hand out: the address, and a code each. */
import { useSuspenseQuery } from "@tanstack/react-query";
import { sessionCards } from "../../api/workshops";
import { useText } from "../../i18n/text";
import { Button } from "../../ui/Button";
import { PageHead } from "../../ui/Page";
import { Crumb } from "../Crumb";
import styles from "./CardsPage.module.css";

export function CardsPage({ id }: { id: string }) {
  const t = useText();
  const { data } = useSuspenseQuery({ ...sessionCards(id), refetchInterval: false });
  const { join_url, code, session_name, cards } = data;
  const address = join_url.replace(/^https?:\/\//, "");
  return (
    <>
      <div className={styles.screen}>
        <PageHead
          title={t("cards.title")}
          crumb={
            <Crumb to="/admin/sessions/$id" params={{ id }}>
              {session_name}
            </Crumb>
          }
          answer={cards.length > 0 ? t("cards.answer", { count: cards.length }) : t("cards.answer_poster")}
          actions={
            <Button look="primary" icon="cards" onClick={() => globalThis.print()}>
              {t("cards.print")}
            </Button>
          }
        />
      </div>
      {cards.length === 0 ? (
        <article className={styles.poster}>
          <h2>{session_name}</h2>
          <p>{t("cards.open")}</p>
          <p className={styles.address}>{address}</p>
          <p>{t("cards.code")}</p>
          <p className={styles.large}>{code}</p>
        </article>
      ) : (
        <ul className={styles.cards}>
          {cards.map((it) => (
            <li key={it.number}>
              <b className={styles.name}>{it.name || t("board.seat_number", { number: it.number })}</b>
              <span className={styles.session}>{session_name}</span>
              <span className={styles.label}>{t("cards.open")}</span>
              <span className={styles.address}>{address}</span>
              <span className={styles.label}>{t("cards.your_code")}</span>
              <span className={styles.key}>{it.key}</span>
            </li>
          ))}
        </ul>
      )}
    </>
  );
}
