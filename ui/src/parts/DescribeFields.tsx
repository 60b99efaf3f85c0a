import type { UseFormReturn } from "react-hook-form";
import { useText } from "../i18n/text";
import { SelectField, TextArea, TextField } from "../ui/Field";
import styles from "./DescribeFields.module.css";
import type { DescribeForm } from "./describe";
import { ENVIRONMENTS } from "./EnvironmentBadge";

/** Name, place and labels of an infrastructure: the same fields when it is added and when it is edited. */
export function DescribeFields({ form }: { form: UseFormReturn<DescribeForm> }) {
  const t = useText();
  const { register, formState } = form;
  const errorOf = (field: keyof DescribeForm) => formState.errors[field]?.message;
  return (
    <div className={styles.fields}>
      <TextField
        label={t("field.name")}
        error={errorOf("name")}
        required
        autoComplete="off"
        {...register("name")}
      />
      <SelectField label={t("field.environment")} error={errorOf("environment")} {...register("environment")}>
        {ENVIRONMENTS.map((it) => (
          <option key={it} value={it}>
            {t(`environment_long.${it}`)}
          </option>
        ))}
      </SelectField>
      <TextField
        label={t("field.region")}
        hint={t("field.region_hint")}
        error={errorOf("region")}
        autoComplete="off"
        {...register("region")}
      />
      <TextField
        label={t("field.labels")}
        hint={t("field.labels_hint")}
        error={errorOf("labels")}
        autoComplete="off"
        autoCapitalize="none"
        spellCheck={false}
        placeholder="team=cloud, room=3"
        {...register("labels")}
      />
      <div className={styles.whole}>
        <TextArea
          label={t("field.description")}
          error={errorOf("description")}
          className={styles.description}
          rows={2}
          {...register("description")}
        />
      </div>
    </div>
  );
}
