/** Acknowledging an alert: "I have seen it and am on it". */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { answer, api } from "../../client/http";

export function useAcknowledge() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (id: string) =>
      answer(api.POST("/api/v1/alerts/{alert_id}/acknowledge", { params: { path: { alert_id: id } } })),
    // Also after a refusal: somebody else may have acknowledged it.
    onSettled: () => client.invalidateQueries({ queryKey: ["overview"] }),
  });
}
