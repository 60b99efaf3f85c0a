/** A workshop between its form and the API. */
import type { Driver, Preset, Workshop, WorkshopProfile } from "../../api/workshops";
import { labelsRead, labelsWrite } from "../describe";

export interface WorkshopForm {
  title: string;
  summary: string;
  driver: Driver;
  preset: Preset;
  duration_minutes: string;
  extension_minutes: string;
  deadline_minutes: string;
  selector: string;
  kubernetes_version: string;
  persistent: boolean;
  internet: boolean;
  /** `name = value`, a line each. */
  parameters: string;
  instructions_en: string;
  instructions_fr: string;
}

/** What participants' own pods may ask for together, by size; as the server's quotas are. */
export const PRESETS: Record<
  Preset,
  { cores: number; memory_gib: number; pods: number; storage_gib: number }
> = {
  small: { cores: 1, memory_gib: 1, pods: 10, storage_gib: 5 },
  medium: { cores: 2, memory_gib: 2, pods: 20, storage_gib: 10 },
  large: { cores: 4, memory_gib: 4, pods: 40, storage_gib: 20 },
};
export const PRESET_NAMES = Object.keys(PRESETS) as Preset[];
export const DRIVERS: readonly Driver[] = ["vcluster", "namespace"];

export function workshopForm(it?: Workshop): WorkshopForm {
  return {
    title: it?.title ?? "",
    summary: it?.summary ?? "",
    driver: it?.driver ?? "vcluster",
    preset: it?.preset ?? "small",
    duration_minutes: String(it?.duration_minutes ?? 240),
    extension_minutes: String(it?.extension_minutes ?? 60),
    deadline_minutes: String(it?.deadline_minutes ?? 480),
    selector: labelsWrite(it?.selector ?? {}),
    kubernetes_version: it?.kubernetes_version ?? "",
    persistent: it?.persistent ?? false,
    internet: it?.internet ?? false,
    parameters: parametersWrite(it?.parameters ?? {}),
    instructions_en: it?.instructions.en ?? "",
    instructions_fr: it?.instructions.fr ?? "",
  };
}

/** A number as it was typed; what is none is sent as 0, and the server says what is right. */
export const minutesRead = (text: string) => Math.max(0, Math.round(Number(text.replace(",", ".")) || 0));

export function workshopBody(form: WorkshopForm): WorkshopProfile {
  return {
    title: form.title,
    summary: form.summary,
    instructions: { en: form.instructions_en || null, fr: form.instructions_fr || null },
    driver: form.driver,
    preset: form.preset,
    duration_minutes: minutesRead(form.duration_minutes),
    extension_minutes: minutesRead(form.extension_minutes),
    deadline_minutes: minutesRead(form.deadline_minutes),
    selector: labelsRead(form.selector),
    kubernetes_version: form.kubernetes_version.trim() || null,
    // A namespace has no control plane whose state could outlive a pause.
    persistent: form.driver === "vcluster" && form.persistent,
    internet: form.internet,
    parameters: parametersRead(form.parameters),
  };
}

/** Lines of `name = value`; a line without `=` is a name without a value. */
export function parametersRead(text: string): Record<string, string> {
  const pairs = text
    .split("\n")
    .filter((it) => it.trim() !== "")
    .map((it) => {
      const at = it.indexOf("=");
      return at < 0
        ? ([it.trim(), ""] as const)
        : ([it.slice(0, at).trim(), it.slice(at + 1).trim()] as const);
    });
  return Object.fromEntries(pairs);
}

function parametersWrite(parameters: Record<string, string>): string {
  return Object.entries(parameters)
    .map(([name, value]) => `${name} = ${value}`)
    .join("\n");
}

const SLOT = /\{\{\s*([A-Za-z0-9_]{1,40})\s*\}\}/g;

/** The instructions as participants read them: `{{name}}` became its value, an unknown one stays. */
export function parametersFill(text: string, parameters: Record<string, string>): string {
  return text.replace(SLOT, (written, name: string) =>
    Object.hasOwn(parameters, name) ? (parameters[name] ?? "") : written,
  );
}

/** Slots of the instructions that no parameter fills. */
export function parametersMissing(text: string, parameters: Record<string, string>): string[] {
  const names = [...text.matchAll(SLOT)].map((it) => it[1] ?? "");
  return [...new Set(names)].filter((it) => !Object.hasOwn(parameters, it));
}

/** The field of the form that a pointer of the API means. */
export function workshopField(pointer: string): keyof WorkshopForm | undefined {
  if (pointer === "instructions.en") return "instructions_en";
  if (pointer === "instructions.fr") return "instructions_fr";
  const [first] = pointer.split(".");
  return first && first in workshopForm() ? (first as keyof WorkshopForm) : undefined;
}
