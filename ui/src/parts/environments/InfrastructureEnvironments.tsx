import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { problemOf } from "../../api/problem";
import { infrastructureEnvironments } from "../../api/workshops";
import { useText } from "../../i18n/text";
import { Skeleton } from "../../ui/Faces";
import { Section } from "../../ui/Page";
import util from "../../ui/util.module.css";
import { useMay, useSeesAll } from "../may";
import { ProblemNote } from "../ProblemNote";
import { stuckFirst } from "./EnvironmentsPage";
import { EnvironmentTable } from "./EnvironmentTable";

/** More than this are looked through on their own page, where they can be filtered. */
const SHOWN = 10;

/** Who works on this infrastructure now. */
export function InfrastructureEnvironments({ id }: { id: string }) {
  const may = useMay();
  const seesAll = useSeesAll();
  return may("environment_read") && seesAll ? <Environments id={id} /> : null;
}

function Environments({ id }: { id: string }) {
  const t = useText();
  const { data, isPending, error } = useQuery(infrastructureEnvironments(id));
  const items = stuckFirst(data?.items ?? []);
  return (
    <Section
      id="environments"
      title={t("tab.environments")}
      note={data && items.length > 0 && t("env.count", { count: items.length })}
      end={
        items.length > 0 && (
          <Link to="/admin/environments" search={{ infrastructure: id }}>
            {t("env.all")}
          </Link>
        )
      }
    >
      {isPending && <Skeleton rows={2} height={52} label={t("face.loading")} />}
      {error && <ProblemNote problem={problemOf(error)} />}
      {data && items.length === 0 && <p className={util.muted}>{t("env.none_here")}</p>}
      {items.length > 0 && <EnvironmentTable environments={items.slice(0, SHOWN)} />}
    </Section>
  );
}
