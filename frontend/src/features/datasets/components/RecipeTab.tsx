/** The recipe a dataset is built by: to read, to change, to build by now, to withdraw. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useForbidden } from "../../../client/access";
import type { JobRead } from "../../../client/job";
import { Action } from "../../../components/Action";
import { Button } from "../../../components/Button";
import { DocumentEditor } from "../../../components/DocumentEditor";
import { Stack } from "../../../components/Page";
import { Panel } from "../../../components/Panel";
import { Read } from "../../../components/Read";
import { toYaml, withoutDefaults } from "../../../lib/yaml";
import { calls, recipeQuery, type Recipe } from "../api";
import { LiveJob } from "./VersionJobs";

const EXAMPLE = `# What the dataset is built from, and how. It is built again on each new validated version of these.
concat: [raw]
steps:
  - {step: drop_duplicates, keys: [id]}
  - {step: filter, where: "age BETWEEN 0 AND 110"}
  - {step: fill, column: age, method: median}
`;

const DEFAULTS = { kind: "recipe", unique: [], steps: [] };

/** A step with its kind first. */
function shortStep(given: object): object {
  const { step, ...rest } = withoutDefaults(given);
  return { step, ...rest };
}

/** The recipe as a person would write it: without what goes without saying. */
export function recipeText({ recipe }: Recipe): string {
  const { steps, ...rest } = recipe;
  const said = withoutDefaults(rest, DEFAULTS);
  return toYaml(steps.length > 0 ? { ...said, steps: steps.map(shortStep) } : said);
}

function Editor({ name, recipe }: { name: string; recipe: Recipe | null }) {
  const client = useQueryClient();
  const forbidden = useForbidden("write");
  const [job, setJob] = useState<JobRead>();
  const version = recipe?.version ?? 0;
  return (
    <Stack>
      {job ? <LiveJob key={job.id} job={job} /> : null}
      <DocumentEditor
        what="The recipe"
        stored={{ text: recipe ? recipeText(recipe) : EXAMPLE, version }}
        save={(text, base) => calls.saveRecipe(name, text, base)}
        forbidden={forbidden}
        unsaved={recipe === null}
        help="Comments are not kept: the server stores what the recipe says. A step that does not fit is marked at its line."
        tools={() =>
          recipe ? (
            <>
              <Action
                call={calls.build(name, recipe.recipe)}
                forbidden={forbidden}
                onDone={(made) => setJob(made as JobRead)}
              >
                Build now
              </Action>
              <Action
                kind="danger"
                call={calls.withdrawRecipe(name, version)}
                forbidden={forbidden}
                confirm={{
                  title: "Stop building by this recipe?",
                  say: "Its versions stay. A new version of what it follows sets off nothing any more.",
                  button: "Withdraw it",
                }}
                onDone={() => void client.invalidateQueries(recipeQuery(name))}
              >
                Withdraw
              </Action>
            </>
          ) : null
        }
      />
    </Stack>
  );
}

export function RecipeTab({ name }: { name: string }) {
  const query = useQuery(recipeQuery(name));
  const [writing, setWriting] = useState(false);
  return (
    <Read query={query} what="the recipe">
      {(recipe) => (
        <Panel title="Recipe">
          {(recipe ?? writing) ? (
            <Editor name={name} recipe={recipe} />
          ) : (
            <Stack>
              <p>
                The dataset is built by no recipe: its versions are uploaded, pushed, or ordered one by one. With a
                recipe it is made from others, and made again whenever these change.
              </p>
              <span>
                <Button onClick={() => setWriting(true)}>Write a recipe</Button>
              </span>
            </Stack>
          )}
        </Panel>
      )}
    </Read>
  );
}
