import { createFileRoute, redirect, useRouter } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { useForm } from "react-hook-form";
import { setUp } from "../api/commands";
import { fieldErrors, problemOf } from "../api/problem";
import { authState, me } from "../api/queries";
import { useText } from "../i18n/text";
import { ProblemNote, useFieldText } from "../parts/ProblemNote";
import { SignInPage } from "../parts/SignInPage";
import { Button } from "../ui/Button";
import { Note } from "../ui/Faces";
import { TextField } from "../ui/Field";

interface SetupForm {
  name: string;
  email: string;
  password: string;
}

export const Route = createFileRoute("/setup")({
  beforeLoad: async ({ context: { cache } }) => {
    const { setup_required } = await cache.fetchQuery(authState());
    if (!setup_required) throw redirect({ to: "/login" });
  },
  component: SetupPage,
});

/** The token of the one-time link. It stands in the fragment, which browsers send to nobody. */
function tokenTake(): string {
  const token = new URLSearchParams(location.hash.slice(1)).get("token") ?? "";
  // Taken out of the address, so that it is neither shown nor kept in the history.
  if (token) history.replaceState(history.state, "", location.pathname);
  return token;
}

function SetupPage() {
  const t = useText();
  const router = useRouter();
  const { cache } = Route.useRouteContext();
  const [token, setToken] = useState(tokenTake);
  // The link may be opened in the tab that already shows this page: only the fragment changes then.
  useEffect(() => {
    const take = () => setToken((known) => tokenTake() || known);
    window.addEventListener("hashchange", take);
    return () => window.removeEventListener("hashchange", take);
  }, []);
  const { register, handleSubmit, setError, formState } = useForm<SetupForm>();
  const fieldText = useFieldText();
  const problem = formState.errors.root?.cause as unknown;

  const submit = handleSubmit(async (form) => {
    try {
      await setUp({ ...form, token });
    } catch (error) {
      const refused = problemOf(error);

      let onField = false;
      for (const [field, { code, detail }] of Object.entries(fieldErrors(refused))) {
        if (field !== "email" && field !== "password" && field !== "name") continue;
        setError(field, { message: fieldText(code, detail) }, { shouldFocus: !onField });
        onField = true;
      }
      if (!onField) setError("root", { cause: refused } as object);
      return;
    }
    await cache.resetQueries({ queryKey: ["auth"] });
    await cache.fetchQuery(me());
    await router.navigate({ to: "/admin" });
  });

  return (
    <SignInPage title={t("setup.title")} answer={t("setup.answer")}>
      {token === "" ? (
        <Note tone="warn" icon="triangle">
          <b>{t("setup.no_token")}</b>
          <div>{t("setup.no_token_hint")}</div>
        </Note>
      ) : (
        <form onSubmit={submit} noValidate>
          <p>{t("setup.explain")}</p>
          {problem ? <ProblemNote problem={problemOf(problem)} /> : null}
          <TextField
            label={t("account.name")}
            hint={t("setup.name_hint")}
            autoComplete="name"
            autoFocus
            error={formState.errors.name?.message}
            {...register("name")}
          />
          <TextField
            label={t("account.email")}
            type="email"
            autoComplete="username"
            autoCapitalize="none"
            required
            error={formState.errors.email?.message}
            {...register("email")}
          />
          <TextField
            label={t("account.password")}
            hint={t("account.password_hint")}
            type="password"
            autoComplete="new-password"
            required
            error={formState.errors.password?.message}
            {...register("password")}
          />
          <Button type="submit" look="primary" busy={formState.isSubmitting}>
            {t("setup.submit")}
          </Button>
        </form>
      )}
    </SignInPage>
  );
}
