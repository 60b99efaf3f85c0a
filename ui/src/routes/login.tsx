import { createFileRoute, redirect, useRouter } from "@tanstack/react-router";
import { useForm } from "react-hook-form";
import { signIn } from "../api/commands";
import { fieldErrors, problemOf } from "../api/problem";
import { authState, me } from "../api/queries";
import { useText } from "../i18n/text";
import { landingOf } from "../parts/landing";
import { ProblemNote } from "../parts/ProblemNote";
import { SignInPage } from "../parts/SignInPage";
import { Button } from "../ui/Button";
import { TextField } from "../ui/Field";

interface LoginForm {
  email: string;
  password: string;
}

export const Route = createFileRoute("/login")({
  validateSearch: (search): { to?: string | undefined } => {
    // Only a path of ours: a link to this page must not send anyone elsewhere afterwards.
    const to = search.to;
    return typeof to === "string" && /^\/admin(?:[/?#]|$)/.test(to) ? { to } : { to: undefined };
  },
  beforeLoad: async ({ context: { cache } }) => {
    const { setup_required } = await cache.fetchQuery(authState());
    if (setup_required) throw redirect({ to: "/setup" });
  },
  component: LoginPage,
});

function LoginPage() {
  const t = useText();
  const router = useRouter();
  const { cache } = Route.useRouteContext();
  const { to } = Route.useSearch();
  const { register, handleSubmit, setError, resetField, setFocus, formState } = useForm<LoginForm>();
  const problem = formState.errors.root?.cause as unknown;

  const submit = handleSubmit(async (form) => {
    try {
      await signIn(form);
    } catch (error) {
      const refused = problemOf(error);
      resetField("password");
      for (const [field, { detail }] of Object.entries(fieldErrors(refused)))
        if (field === "email" || field === "password") setError(field, { message: detail });
      setError("root", { cause: refused } as object);
      setFocus(refused.code === "sign_in_refused" ? "password" : "email");
      return;
    }
    await cache.resetQueries({ queryKey: ["auth"] });
    const signedIn = await cache.fetchQuery(me());
    // The overview is where everybody is sent who asked for no page.
    router.history.push(to === undefined || to === "/admin" ? landingOf(signedIn) : to);
  });

  return (
    <SignInPage title={t("login.title")} answer={t("login.answer")}>
      <form onSubmit={submit} noValidate>
        {problem ? <ProblemNote problem={problemOf(problem)} /> : null}
        <TextField
          label={t("account.email")}
          type="email"
          autoComplete="username"
          autoCapitalize="none"
          autoFocus
          required
          error={formState.errors.email?.message}
          {...register("email")}
        />
        <TextField
          label={t("account.password")}
          type="password"
          autoComplete="current-password"
          required
          error={formState.errors.password?.message}
          {...register("password")}
        />
        <Button type="submit" look="primary" busy={formState.isSubmitting}>
          {t("login.submit")}
        </Button>
      </form>
    </SignInPage>
  );
}
