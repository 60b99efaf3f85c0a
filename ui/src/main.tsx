/** Starts the console: the language first, then the routes. */
import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import "./tokens.css";
import "./base.css";
import { cacheCreate } from "./api/cache";
import { useLanguage } from "./i18n/language";
import { catalogueLoad, TextProvider } from "./i18n/text";
import { consoleRouter } from "./router";
import { TipLayer } from "./ui/Tip";

const cache = cacheCreate(() => void router.invalidate());
const router = consoleRouter(cache);

function Console() {
  const language = useLanguage();
  return (
    <TextProvider language={language}>
      <QueryClientProvider client={cache}>
        <RouterProvider router={router} />
        <TipLayer />
      </QueryClientProvider>
    </TextProvider>
  );
}

const root = document.getElementById("root");
if (!root) throw new Error("index.html has no #root");
void catalogueLoad().then(() =>
  createRoot(root).render(
    <StrictMode>
      <Console />
    </StrictMode>,
  ),
);
