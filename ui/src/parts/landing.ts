/** Where somebody begins: a trainer at the sessions, everybody else at the overview. */
export const landingOf = ({ user: { role } }: { user: { role: string } }) =>
  role === "trainer" ? "/admin/workshops" : "/admin";
