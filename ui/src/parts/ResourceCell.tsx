/** A resource in a row, on a page or of the fleet: percentages, gauge, and the raw figures on demand. */
import { useFormat } from "../i18n/format";
import { useNow } from "../i18n/now";
import { type TextKey, useText, useTextIfKnown } from "../i18n/text";
import { Icon } from "../ui/Icon";
import { TipTrigger } from "../ui/Tip";
import { Gauge } from "./Gauge";
import styles from "./ResourceCell.module.css";
import { type Level, levelOf, type Resource, shareOf, type Usage } from "./usage";

export const RESOURCE_WORDS: Record<Resource, TextKey> = {
  cpu: "resource.cpu",
  memory: "resource.memory",
  storage: "resource.storage",
  pods: "resource.pods",
};

/** An amount of a resource in its own unit. */
export function useAmount(): (resource: Resource, value: number | null | undefined) => string {
  const format = useFormat();
  return (resource, value) =>
    resource === "cpu"
      ? format.cores(value)
      : resource === "pods"
        ? format.count(value)
        : format.bytes(value);
}

/** A share; from 80 % on with a sign, so that colour is not the only thing that says it. */
export function Share({ share, strong = false }: { share: number | null; strong?: boolean }) {
  const format = useFormat();
  const level: Level = levelOf(share);
  return (
    <span className={styles.share} data-level={level} data-strong={strong || undefined}>
      {level !== "calm" && strong && <Icon name="triangle" size={12} />}
      {format.percent(share)}
    </span>
  );
}

export interface Provenance {
  observedAt?: string | null | undefined;
  /** Why nothing is known of use, as a code of the API. */
  metricsReason?: string | null | undefined;
}

function RawFigures({ resource, usage, from }: { resource: Resource; usage: Usage; from: Provenance }) {
  const t = useText();
  const known = useTextIfKnown();
  const format = useFormat();
  const amount = useAmount();
  const now_ms = useNow();
  return (
    <>
      <dl>
        <dt>{t("resource.used")}</dt>
        <dd>{usage.used == null ? t("resource.not_measured") : amount(resource, usage.used)}</dd>
        {usage.requested != null && (
          <>
            <dt>{t("resource.requested")}</dt>
            <dd>{amount(resource, usage.requested)}</dd>
          </>
        )}
        <dt>{t("resource.allocatable")}</dt>
        <dd>{amount(resource, usage.allocatable)}</dd>
      </dl>
      {usage.used == null && from.metricsReason && (
        <p>{known(`code.${from.metricsReason}.cause`) ?? from.metricsReason}</p>
      )}
      {from.observedAt && (
        <p className={styles.age}>
          {t("age.read", { age: format.duration((now_ms - Date.parse(from.observedAt)) / 1_000) })}
        </p>
      )}
    </>
  );
}

/** Percentages over a gauge. The raw values, their source and age come on hover and on focus. */
export function ResourceCell({
  resource,
  usage,
  from = {},
  big = false,
}: {
  resource: Resource;
  usage: Usage | null;
  from?: Provenance;
  big?: boolean;
}) {
  const t = useText();
  if (!usage) {
    return (
      <span className={styles.unknown}>
        <span aria-hidden="true">—</span>
        <span className={styles.srOnly}>{t("gauge.no_data")}</span>
      </span>
    );
  }
  const used = shareOf(usage.used, usage.allocatable);
  const requested = shareOf(usage.requested, usage.allocatable);
  return (
    <TipTrigger
      content={<RawFigures resource={resource} usage={usage} from={from} />}
      render={
        // biome-ignore lint/a11y/noNoninteractiveTabindex: the raw figures must be reachable by keyboard.
        <div className={styles.cell} tabIndex={0}>
          <div className={styles.numbers} aria-hidden="true">
            <Share share={used} strong />
            {requested != null && <Share share={requested} />}
          </div>
          <Gauge usage={usage} big={big} />
        </div>
      }
    />
  );
}
