import { type TextKey, useText } from "../../i18n/text";
import { Segmented } from "../../ui/Segmented";
import { type HistorySearch, RANGE_NAMES, USUAL_RANGE } from "./ranges";

/** Live, or how far back. Choosing one ends a zoom. */
export function RangePicker({
  search,
  onSearch,
}: {
  search: HistorySearch;
  onSearch: (change: HistorySearch) => void;
}) {
  const t = useText();
  return (
    <Segmented
      small
      label={t("range.choose")}
      value={search.from === undefined ? (search.range ?? USUAL_RANGE) : "window"}
      options={RANGE_NAMES.map((it) => ({
        value: it as string,
        label: t(`range.${it}` as TextKey),
      }))}
      onChoose={(next) =>
        onSearch({ range: RANGE_NAMES.find((it) => it === next), from: undefined, until: undefined })
      }
    />
  );
}
