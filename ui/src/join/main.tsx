/** Starts the participant's page, which has nothing of the console but its looks. */
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import "../tokens.css";
import "../base.css";
import { Join } from "./Join";

const root = document.getElementById("root");
if (!root) throw new Error("join.html has no #root");
createRoot(root).render(
  <StrictMode>
    <Join />
  </StrictMode>,
);
