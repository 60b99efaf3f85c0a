import type { ReactElement } from "react";
import { Menu, MenuItem } from "../Menu";
import type { ChartProps } from "./Chart";
import { pictureSave } from "./picture";

/** The chart as a file: to paste in a report, or to reckon with. */
export default function ChartMenu({
  trigger,
  words,
  shape,
  picture,
  fileName,
  csvHref,
}: Pick<ChartProps, "words" | "shape" | "picture" | "fileName" | "csvHref"> & { trigger: ReactElement }) {
  return (
    <Menu trigger={trigger}>
      <MenuItem icon="download" onSelect={() => void pictureSave("png", shape, picture, fileName)}>
        {words.png}
      </MenuItem>
      <MenuItem icon="download" onSelect={() => void pictureSave("svg", shape, picture, fileName)}>
        {words.svg}
      </MenuItem>
      <MenuItem icon="rows" render={<a href={csvHref} download={`${fileName}.csv`} />}>
        {words.csv}
      </MenuItem>
    </Menu>
  );
}
