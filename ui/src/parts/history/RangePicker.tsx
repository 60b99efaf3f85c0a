import { type TextKey, useText } from "../../i18n/text";
import { Button } from "../../ui/Button";
import { Segmented } from "../../ui/Segmented";
import { type HistorySearch, RANGE_NAMES, type Range, USUAL_RANGE } from "./ranges";

/** Live, or how far back, and the way out of a zoom, which is there even where a zoom shows nothing. */
export function RangePicker({
  search,
  onSearch,
}: {
  search: HistorySearch;
  onSearch: (change: HistorySearch) => void;
}) {
  const t = useText();
  const choose = (range: Range | undefined) => onSearch({ range, from: undefined, until: undefined });
  return (
    <>
      {search.from !== undefined && (
        <Button size="s" look="ghost" icon="retry" onClick={() => choose(search.range)}>
          {t("chart.reset_zoom")}
        </Button>
      )}
      <Segmented
        small
        label={t("range.choose")}
        value={search.from === undefined ? (search.range ?? USUAL_RANGE) : "window"}
        options={RANGE_NAMES.map((it) => ({
          value: it as string,
          label: t(`range.${it}` as TextKey),
        }))}
        onChoose={(next) => choose(RANGE_NAMES.find((it) => it === next))}
      />
    </>
  );
}
