import type { FieldValues, Path, UseFormReturn } from "react-hook-form";
import { type ApiProblem, fieldErrors } from "../../api/problem";

/**
 * Puts each error of the server on its field, and the focus on the first.
 * Gives back what has no field in the form, to be told above it; null when all found their place.
 */
export function formRefused<Form extends FieldValues>(
  form: UseFormReturn<Form>,
  problem: ApiProblem,
  fieldOf: (pointer: string) => Path<Form> | undefined,
): ApiProblem | null {
  const errors = Object.entries(fieldErrors(problem));
  let told = 0;
  for (const [pointer, { detail }] of errors) {
    const field = fieldOf(pointer);
    if (!field) continue;
    form.setError(field, { message: detail }, { shouldFocus: told === 0 });
    told += 1;
  }
  return told > 0 && told === errors.length ? null : problem;
}
