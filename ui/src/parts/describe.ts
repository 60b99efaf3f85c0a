/** What a person says of an infrastructure, between the form and the API. */
import type { UseFormReturn } from "react-hook-form";
import { type ApiProblem, fieldErrors } from "../api/problem";
import type { EnvironmentClass, Infrastructure } from "../api/types";

export interface DescribeForm {
  name: string;
  description: string;
  environment: EnvironmentClass;
  region: string;
  /** `key=value`, comma between. */
  labels: string;
}

export function describeOf(it: Infrastructure): DescribeForm {
  return {
    name: it.name,
    description: it.description,
    environment: it.environment,
    region: it.region ?? "",
    labels: labelsWrite(it.labels),
  };
}

/** The form as the API takes it. */
export function describeBody(form: DescribeForm) {
  return {
    name: form.name,
    description: form.description,
    environment: form.environment,
    region: form.region.trim() || null,
    labels: labelsRead(form.labels),
  };
}

/** `team=cloud, room=3` as a map; a word without `=` is a label without a value. */
export function labelsRead(text: string): Record<string, string> {
  const pairs = text
    .split(/[,\n]/)
    .map((it) => it.trim())
    .filter(Boolean)
    .map((it) => {
      const at = it.indexOf("=");
      return at < 0 ? ([it, ""] as const) : ([it.slice(0, at).trim(), it.slice(at + 1).trim()] as const);
    });
  return Object.fromEntries(pairs);
}

export function labelsWrite(labels: Record<string, string>): string {
  return Object.entries(labels)
    .map(([key, value]) => (value ? `${key}=${value}` : key))
    .join(", ");
}

const FIELDS: readonly (keyof DescribeForm)[] = ["name", "description", "environment", "region", "labels"];

/** Whether a refusal is about a field of this form, so that it is told there. */
export function isOnField(problem: ApiProblem): boolean {
  return Object.keys(fieldErrors(problem)).some((pointer) =>
    FIELDS.includes(pointer.split(".")[0] as keyof DescribeForm),
  );
}

/** Puts each error of the server on its field, and the focus on the first. Says whether there was one. */
export function describeRefused(form: UseFormReturn<DescribeForm>, problem: ApiProblem): boolean {
  const errors = Object.entries(fieldErrors(problem));
  let any = false;
  for (const field of FIELDS) {
    // `labels.team` belongs to the field `labels`.
    const error = errors.find(([pointer]) => pointer === field || pointer.startsWith(`${field}.`))?.[1];
    if (!error) continue;
    form.setError(field, { message: error.detail }, { shouldFocus: !any });
    any = true;
  }
  return any;
}
