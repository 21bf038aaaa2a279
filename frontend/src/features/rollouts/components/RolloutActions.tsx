/** What a person may do with a rollout that is under way. */
import { useForbidden } from "../../../client/access";
import { Action } from "../../../components/Action";
import { abort, advance, pause, resume, type RolloutRead } from "../api";
import { isActive, onTrial } from "../stages";

export function RolloutActions({ rollout }: { rollout: RolloutRead }) {
  const forbidden = useForbidden("write");
  if (!isActive(rollout)) return null;
  const { id, step, steps, version, blue_version: blue } = rollout;
  const last = step + 1 >= steps.length;
  return (
    <>
      {onTrial(rollout) ? (
        <>
          <Action
            call={advance(id, step)}
            forbidden={forbidden}
            confirm={{
              title: last ? `Switch to v${version}?` : "On to the next step?",
              say: last
                ? `v${version} answers everything from now on, whatever the evidence says so far.`
                : `v${version} gets a larger share, whatever the evidence says so far.`,
            }}
          >
            {last ? "Switch now" : "Advance"}
          </Action>
          {rollout.state === "paused" ? (
            <Action call={resume(id)} kind="primary" forbidden={forbidden}>
              Resume
            </Action>
          ) : (
            <Action call={pause(id)} forbidden={forbidden}>
              Pause
            </Action>
          )}
        </>
      ) : null}
      <Action
        call={abort(id)}
        kind="danger"
        forbidden={forbidden}
        confirm={{
          title: "Abort this rollout?",
          say:
            blue === null ? "Nothing answers here afterwards." : `v${blue} never stopped answering, and answers alone.`,
          button: "Abort",
        }}
      >
        Abort
      </Action>
    </>
  );
}
