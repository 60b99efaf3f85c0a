import { createFileRoute } from "@tanstack/react-router";
import { AddWizard } from "../parts/AddWizard";

/** Connects one or several infrastructures: paste, choose, test, describe, save. */
export const Route = createFileRoute("/admin/infrastructures/new")({ component: AddWizard });
