import type { ReactNode } from "react";
import { Icon } from "./Icon";

/** A column head that sorts: up, then down, then back to the order of the page. */
export function SortHeader<Key extends string>({
  by,
  sort,
  onSort,
  className,
  first = "up",
  children,
}: {
  by: Key;
  sort: string | undefined;
  onSort: (sort: Key | `-${Key}` | undefined) => void;
  className?: string | undefined;
  /** Which way the first click sorts: names go up, fullness goes down. */
  first?: "up" | "down";
  children: ReactNode;
}) {
  const now = sort === by ? "up" : sort === `-${by}` ? "down" : undefined;
  const second = first === "up" ? "down" : "up";
  const next = now === undefined ? first : now === first ? second : undefined;
  return (
    <th
      scope="col"
      className={className}
      aria-sort={now === "up" ? "ascending" : now === "down" ? "descending" : undefined}
    >
      <button type="button" onClick={() => onSort(next && (next === "up" ? by : `-${by}`))}>
        {children}
        {now && <Icon name={now === "up" ? "chevron_up" : "chevron_down"} size={12} />}
      </button>
    </th>
  );
}
