// Every type of check is among the stacks that are rendered and read back.
import { checkers, checkTypes } from "../../../components/keepalived/checkers";
import { stacks } from "./stacks";

/** All checks of a stack. */
function checksOf({ virtualServers }: Record<string, unknown>): Record<string, unknown>[] {
  type Checked = { checks?: Record<string, unknown>[] } | string;
  return (virtualServers as { realServers?: Checked[]; checks?: Record<string, unknown>[] }[])
    .flatMap((service) => [service, ...(service.realServers ?? [])])
    .flatMap((place) => (typeof place === "string" ? [] : (place.checks ?? [])));
}

const tried = Object.values(stacks).flatMap(({ stack }) => checksOf(stack));

test.each(checkTypes)(
  "each key of its own of a check of type %s is written and read back",
  (type) => {
    const keys = tried
      .filter((check) => check.type === type)
      .flatMap((check) => Object.keys(check));
    expect(keys).toEqual(expect.arrayContaining(["type", ...Object.keys(checkers[type].options)]));
  },
);
