/** Storage beyond the nodes: volumes, claims and classes, and where the used bytes come from. */
import type { Infrastructure } from "../api/types";
import { useFormat } from "../i18n/format";
import { useText } from "../i18n/text";
import { Note } from "../ui/Faces";
import { Section } from "../ui/Page";
import { Tag } from "../ui/Status";
import { useCodeText } from "./codeText";
import { Age } from "./InfrastructureStatus";
import styles from "./VolumesSection.module.css";

const SOURCES = { prometheus: "Prometheus", kubelet: "kubelet", none: null } as const;

export function VolumesSection({ infrastructure: { metadata } }: { infrastructure: Infrastructure }) {
  const t = useText();
  const format = useFormat();
  const codeText = useCodeText();
  if (!metadata) return null;
  const { volumes, storage_source, storage_reason, storage_observed_at, storage_classes } = metadata;
  const source = SOURCES[storage_source];
  const why = codeText({ code: storage_reason ?? "storage_source_absent" });
  const facts: [string, string][] = [
    [t("volume.count"), format.count(volumes.count)],
    [t("volume.capacity"), format.bytes(volumes.capacity_bytes)],
    [t("volume.claims"), format.count(volumes.claims)],
    [t("volume.requested"), format.bytes(volumes.requested_bytes)],
    [
      t("volume.used"),
      volumes.used_bytes == null ? t("resource.not_measured") : format.bytes(volumes.used_bytes),
    ],
  ];
  return (
    <Section
      id="storage"
      title={t("volume.title")}
      note={source && t("volume.source", { source })}
      end={source && storage_observed_at && <Age at={storage_observed_at} />}
    >
      <dl className={styles.facts}>
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      {!source && (
        <Note>
          <b>{why.cause}</b> {why.remedy}
        </Note>
      )}
      {storage_classes.length === 0 ? (
        <p className={styles.none}>{t("infrastructure.no_storage_class")}</p>
      ) : (
        <>
          <h3 className={styles.classesTitle}>{t("infrastructure.storage_classes")}</h3>
          <ul className={styles.classes}>
            {storage_classes.map((it) => (
              <li key={it.name}>
                <b>{it.name}</b>
                {it.is_default && <Tag>{t("storage_class.default")}</Tag>}
                <span>{it.provisioner}</span>
              </li>
            ))}
          </ul>
        </>
      )}
    </Section>
  );
}
