/** The settings between their form and the API: every number as it was typed. */
import type { PlatformSettings, SettingsView } from "../../api/workshops";

const NUMBERS = [
  "cpu_max_percent",
  "memory_max_percent",
  "storage_max_percent",
  "environments_max",
  "start_deadline_seconds",
  "attempts_max",
  "starts_at_once",
  "warm_up_minutes",
  "grace_seconds",
] as const satisfies readonly (keyof PlatformSettings)[];
const IMAGES = ["vcluster", "kubernetes", "coredns", "terminal"] as const;

export type SettingNumber = (typeof NUMBERS)[number];
export type SettingImage = (typeof IMAGES)[number];
export type SettingsForm = Record<SettingNumber | `image_${SettingImage}`, string> & {
  default_infrastructure_id: string;
};

export function settingsForm({ default_infrastructure_id, settings }: SettingsView): SettingsForm {
  const numbers = NUMBERS.map((it) => [it, String(settings[it])]);
  const images = IMAGES.map((it) => [`image_${it}`, settings.images[it]]);
  return {
    ...(Object.fromEntries([...numbers, ...images]) as Omit<SettingsForm, "default_infrastructure_id">),
    default_infrastructure_id: default_infrastructure_id ?? "",
  };
}

/** What is no number is sent as 0, and the server says what is right. */
const numberRead = (text: string) => Math.max(0, Number(text.replace(",", ".")) || 0);

export function settingsBody(form: SettingsForm): SettingsView {
  const isPercent = (it: SettingNumber) => it.endsWith("_percent");
  const numbers = NUMBERS.map((it) => {
    const value = numberRead(form[it]);
    return [it, isPercent(it) ? value : Math.round(value)];
  });
  const images = IMAGES.map((it) => [it, form[`image_${it}`].trim()]);
  return {
    default_infrastructure_id: form.default_infrastructure_id || null,
    settings: { ...Object.fromEntries(numbers), images: Object.fromEntries(images) } as PlatformSettings,
  };
}

/** `settings.images.terminal` or `images.terminal` → the field of the form. */
export function settingsField(pointer: string): keyof SettingsForm | undefined {
  const path = pointer.replace(/^settings\./, "");
  if (path === "default_infrastructure_id") return path;
  const image = IMAGES.find((it) => path === `images.${it}`);
  return image ? `image_${image}` : NUMBERS.find((it) => it === path);
}
