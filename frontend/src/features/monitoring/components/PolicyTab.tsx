/** The policies as text, tried on the windows so far before they are put in force. */
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useForbidden } from "../../../client/access";
import { RefusalText, useSend } from "../../../components/Action";
import { ApiCall } from "../../../components/ApiCall";
import { Button } from "../../../components/Button";
import { DocumentEditor } from "../../../components/DocumentEditor";
import { Stack } from "../../../components/Page";
import { Panel } from "../../../components/Panel";
import { Read } from "../../../components/Read";
import { brief, toYaml } from "../../../lib/yaml";
import { backtest, monitorQuery, putMonitor, type BacktestRead } from "../api";
import { Backtest } from "./Backtest";

export function PolicyTab({ name }: { name: string }) {
  const query = useQuery(monitorQuery(name));
  const forbidden = useForbidden("write");
  const [tried, setTried] = useState<BacktestRead>();
  const send = useSend<BacktestRead>(setTried);
  return (
    <Read query={query} what="the policy">
      {({ policy, governor, revision }) => {
        const text = toYaml(brief({ policy, governor }));
        return (
          <Stack>
            <Panel title="Policy">
              <DocumentEditor
                what="The policy"
                stored={{ text, version: revision }}
                save={(typed, version) => putMonitor(name, typed, version)}
                forbidden={forbidden}
                tools={(typed) => (
                  <>
                    <Button busy={send.isPending} onClick={() => send.mutate(backtest(name, typed))}>
                      Try on history
                    </Button>
                    <ApiCall call={backtest(name, typed)} />
                  </>
                )}
                help="Edit, try it on the windows so far (that changes nothing), then save. What is left out of a part is at its default."
              />
              <RefusalText error={send.error} what="Not tried" />
            </Panel>
            {tried ? (
              <Backtest of={tried} />
            ) : (
              <Panel
                title="Back-test"
                empty="Not tried yet: “Try on history” shows which windows, alerts and retrains this text would have given, beside the policy in force and what really happened."
              />
            )}
          </Stack>
        );
      }}
    </Read>
  );
}
