import { useQuery } from "@tanstack/react-query";
import { useCallback } from "react";
import { me } from "../api/queries";
import type { Permission } from "../api/types";

/** Whether the person signed in holds a permission. The server decides again; this only explains earlier. */
export function useMay(): (permission: Permission) => boolean {
  const permissions: readonly Permission[] | undefined = useQuery(me()).data?.permissions;
  return useCallback((permission) => permissions?.includes(permission) ?? false, [permissions]);
}

/** Whether all sessions and environments are there for the person; a trainer's own are, one by one. */
export const useSeesAll = () => useQuery(me()).data?.user.role !== "trainer";
