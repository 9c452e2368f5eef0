// How the packs for a fleet of hosts and for an O-RAN network fare on requests that no example has:
// the whole path, rules and classifier. These were written before most of the examples and apart
// from them. An example that is made because of one of them spoils the measure.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "server/routing/decider.hpp"
#include "tests/routing/rules_support.hpp"

namespace tutti::routing {
namespace {

struct HeldOutPack {
  const char* name;
  std::map<std::string, std::vector<const char*>> requests;  ///< by the agent that they are for
  std::vector<const char*> for_nobody;
};

const HeldOutPack kPantheros = {
    "pantheros",
    {
        {"ai-integration",
         {"hook up the filesystem mcp server for opencode but only for ~/notes",
          "I want a bot that comments on every new PR with a summary from an LLM",
          "claude code can't see the brave-search tool anymore",
          "let an agent run every sunday and open an issue if flake.lock is older than two weeks",
          "register our new skill so that agents can find it"}},
        {"deployment-orchestrator",
         {"push this config out to contabo-vps tonight",
          "something is off since the last switch on zephyrus, go back to yesterday's generation",
          "what would be restarted on ovh-vps if I activated the feature/nginx branch now?",
          "update both servers one after the other and stop if the first one doesn't come back",
          "did the upgrade on yoga actually go through?"}},
        {"dev-environment",
         {"i cloned the repo and cargo isn't found",
          "need python 3.12 with poetry and postgres client libs available when I cd into the "
          "project",
          "devshell for the terraform stuff please",
          "gopls in vscode complains that it can't find the go binary",
          "new colleague should be able to build the frontend on her mac with one command"}},
        {"documentation-specialist",
         {"write up how we do backups so the others can follow it",
          "the readme still mentions hetzner-old, please correct it",
          "need a runbook page for a dead disk on a server",
          "document every option of modules/services/caddy.nix",
          "put yesterday's decision about zfs into the knowledge base"}},
        {"gap-analysis-agent",
         {"what's missing until our docs cover all the modules?",
          "compare openspec/specs with the code and tell me what nobody has built yet",
          "list hosts that have no tests, sorted by how bad that is",
          "how far are we from done with the memory project, and what's left",
          "are there links in the docs that point nowhere"}},
        {"hardware-discovery",
         {"how much ram is in ovh-vps and can it take more", "what wifi chip does the yoga have",
          "make a facter.json for the new thinkpad", "does contabo have nvme or just ssd",
          "tell me the bus ids of both graphics cards in zephyrus"}},
        {"memory-architect",
         {"falkordb container eats 6 gb, how should we model the graph so it stays small",
          "agents should remember across sessions which hosts we already migrated",
          "valkey keeps evicting the context keys too early",
          "restore yesterday's snapshot of the agents' knowledge graph",
          "what should an episode look like in graphiti for a failed build?"}},
        {"nixos-architect",
         {"attribute 'services.foo' missing when evaluating zephyrus",
          "I want one place where all servers get the same users and ssh keys declared",
          "turn the caddy stuff in hosts/hetzner-vps into something I can enable on any host",
          "pin nixpkgs-unstable for just two packages via an overlay",
          "how would you lay out home-manager for two users and three machines"}},
        {"observability-engineer",
         {"grafana panel for swap usage on all boxes please",
          "ping me on ntfy when a systemd unit fails",
          "load on contabo-vps is at 14, what's eating it",
          "where do I see the nginx access logs of the last 24h for all servers",
          "loki uses too much disk space"}},
        {"quality-assurance",
         {"does everything still evaluate after my refactoring of the profiles?",
          "please go over the diff of feature/tailscale before I merge it",
          "nixos test for the postgres module fails on ci, show me the failing assertion",
          "run the full check suite against yoga's config",
          "is what copilot changed in hosts/ovh-vps ok to go in?"}},
        {"research-analyst",
         {"colmena or deploy-rs? which one do people prefer for a handful of machines",
          "is there a good way to run secure boot on nixos these days",
          "find out if falkordb has a nixos package and who maintains it",
          "what do others say about bcachefs reliability, with links",
          "pros and cons of home-manager as a module vs standalone"}},
        {"research-swarm-coordinator",
         {"research moving all of our hosts to arm from every angle: hardware, nixos, security, "
          "cost",
          "spin up a couple of researchers and find out how we should do backups, one report at "
          "the end",
          "swarm: self hosted llm gateway",
          "I want security, deployment and dev people to look into microvms at the same time and "
          "then a combined answer",
          "big investigation over all areas: should we replace tailscale with plain wireguard"}},
        {"security-specialist",
         {"is port 5432 reachable from outside on hetzner-vps",
          "someone pushed an api key to the repo, help",
          "close everything but ssh over tailscale on contabo",
          "who can reach the memory pod through the tailnet?",
          "fail2ban or something for the ssh logins on ovh-vps"}},
        {"ux-specialist",
         {"everything looks blurry on my external monitor in hyprland",
          "i'd like win+enter to open a terminal",
          "catppuccin for gtk, waybar and the terminal please",
          "my dad has bad eyesight, set up zephyrus so he can use it",
          "notifications pop up on the wrong screen and steal the focus"}},
    },
    {"what's the capital of mongolia", "order a pizza margherita for two",
     "how do i get rid of hiccups", "give me a workout plan for the week",
     "remind me to call my mother at six", "who won the champions league in 2019",
     "translate 'good morning' to portuguese", "is it going to snow on friday",
     "what should I wear to a wedding", "recommend a good crime novel",
     "how many calories are in a banana", "book a table for four at an italian place",
     "my cat doesn't eat anymore", "what's the euro worth in yen today",
     "write a birthday poem for my sister"}};

const HeldOutPack kNephio = {
    "nephio",
    {
        {"configuration-management-agent",
         {"our upf package for site-berlin needs a different n6 subnet, make it a variant",
          "bump oran-cu to v4 in the edge repos and propose it",
          "kpt fn render prints a diff I don't understand for edge05, what will be applied?",
          "draft packagerevision is there but nobody can approve it",
          "push the new ietf-interfaces settings to the ru via netconf"}},
        {"cu-du-config-agent",
         {"cell 12 has the same pci as its neighbour, give it another one",
          "du-3 lost its f1 association after the restart",
          "switch the carriers at the stadium from 40 to 100 MHz",
          "gnb-du keeps complaining about ptp offset > 100ns",
          "o-ru on port 2 sends u-plane too late, check delay windows and vlan"}},
        {"data-analytics-agent",
         {"give me the 20 busiest cells of last month by downlink volume",
          "we want a model that tells us tomorrow's load per sector",
          "kafka topic pm-counters has 3 mio lag, flink job seems stuck",
          "compute drop rate per cell and hour and store it somewhere we can query",
          "influx or timescale for keeping 15 minute counters of 4000 cells, and set it up"}},
        {"dependency-doctor-agent",
         {"make build: package sigs.k8s.io/controller-runtime is not in std",
          "pip install -r requirements.txt breaks on grpcio",
          "kubectl apply says resource mapping not found for name upf-edge01",
          "helm version too old for the chart, what do I need to install",
          "go.sum mismatch after I merged main, heal it"}},
        {"infrastructure-agent",
         {"new k8s cluster for munich with 3 control planes and 5 workers",
          "rack 7 servers don't pxe boot, ironic shows inspect failed",
          "configsync rootsync on edge-04 doesn't pull the repo",
          "need sriov vfs on the two du hosts at site C",
          "longhorn or ceph on the regional cluster so pods get volumes"}},
        {"monitoring-agent",
         {"grafana board for prb usage and throughput per cell",
          "we don't get any VES events since tuesday",
          "page the on-call if a du loses its ric for more than 2 minutes",
          "loki for all nf logs at the edge sites, 14 days retention",
          "servicemonitor for the upf doesn't show up in prometheus targets"}},
        {"network-functions-agent",
         {"roll out a complete 5g core on regional-1",
          "free5gc smf and upf don't talk to each other, N4 seems down",
          "put an AMF, CU and DU on site hamburg and link them",
          "which NFs are up at edge02 and are their associations established?",
          "gnb can't register at the amf, ng setup failure"}},
        {"orchestrator-agent",
         {"bring the whole o-ran stack up on edge01-edge08 from scratch, one wave per day",
          "continue yesterday's deployment, it stopped after network functions",
          "where are we with the rollout, which stages are done?",
          "undo last night's release on all sites and return to the version before",
          "do the complete setup for five regional and 20 edge clusters, ric to monitoring"}},
        {"performance-optimization-agent",
         {"upf only does 4 gbit/s on a 25g nic, make it faster",
          "package approvals take ages since we have 300 packages in porch, speed this up",
          "cu-up should scale out when more users come in the evening",
          "we burn too much power at night when nobody uses the far edge",
          "smo answers slowly, find the bottleneck and tune it"}},
        {"ric-deployment-agent",
         {"kpimon xapp is running but gets no reports from e2 node 0x12",
          "get the near real time ric running in namespace ricplt at site 3",
          "a1 mediator returns 404 for policy type 20008", "e2mgr shows the gnb as disconnected",
          "put the qos rapp on the non-rt ric and give it a policy"}},
        {"search-specialist",
         {"google whether porch supports azure devops repos",
          "in which 38.xxx spec is the F1 setup procedure described?",
          "is there an upstream bug for RootSync stuck at KNV2010?", "what's new in nephio r6",
          "which o-ran working group defines the a1 policy types, link please"}},
        {"security-compliance-agent",
         {"are any of our images affected by CVE-2025-1974",
          "block all traffic between namespaces except what the nfs need",
          "auditor comes next week, show that e2 and a1 are protected as wg11 asks",
          "is tls on for o1 everywhere and when do the certs run out",
          "only signed packages should be accepted by porch"}},
        {"slice-management-agent",
         {"the fire brigade needs a slice with 5 ms and 99.999",
          "give customer acme more bandwidth on their slice",
          "is any slice violating its latency promise right now?",
          "shut down the festival slice on monday, keep a copy of it",
          "how much capacity is left for another embb slice in berlin"}},
        {"testing-validation-agent",
         {"kill random smf pods for an hour and tell me if sessions survive",
          "prove that e2 setup, subscription and indication work with the new ric version",
          "go test coverage of the controllers must be 85, where are we",
          "smoke test after the upgrade please",
          "how many requests per second can the smo take before it breaks"}},
    },
    {"tell me something funny", "when does the next train to hamburg leave",
     "how long do I have to boil an egg", "find me a cheap hotel in lisbon",
     "what is the meaning of my dream about teeth", "put on some relaxing piano music",
     "how do i remove a wine stain from a carpet", "who painted the girl with a pearl earring",
     "write a love letter to my wife", "should I buy a dog or a cat", "help me with my tax return",
     "is there a pharmacy open near me", "what time is it in tokyo", "name ideas for a baby girl",
     "which stocks should I buy this week"}};

Decider packDecider(const std::string& pack) {
  agents::BlueprintCatalog catalog = testing::catalogOf({pack});
  const Rules& rules = testing::shippedRules({pack});
  const auto blueprints = std::make_shared<const std::vector<agents::Blueprint>>(catalog.list());
  Decider decider({});
  decider.setModel(std::make_shared<const AgentModel>(
      AgentModel::train(textsOf(*blueprints), {}, {}, rules.nobody())));
  decider.setAgents(blueprints, agentNames(catalog), rules);
  return decider;
}

/// Who does the work itself: an agent of a gate only looks at it afterwards.
std::vector<std::string> workersOf(const RouteDecision& decision) {
  std::vector<std::string> workers = {decision.agent};
  for (const WorkflowStep& step : decision.strategy.steps) workers.push_back(step.agent);
  for (const SwarmCluster& cluster : decision.strategy.clusters)
    workers.insert(workers.end(), cluster.agents.begin(), cluster.agents.end());
  return workers;
}

class HeldOutTest : public ::testing::Test {
 protected:
  /// How many of `pack`'s requests, in percent, go to their agent or to a strategy in which it
  /// works.
  int rightPercent(const HeldOutPack& pack) {
    Decider decider = packDecider(pack.name);
    std::size_t right = 0, all = 0;
    for (const auto& [agent, requests] : pack.requests)
      for (const char* request : requests) {
        const RouteDecision decision = decided(decider, request);
        const std::vector<std::string> workers = workersOf(decision);
        ++all;
        if (std::find(workers.begin(), workers.end(), agent) != workers.end())
          ++right;
        else
          ++confused_[agent + " -> " + decision.agent];
      }
    return percent(right, all);
  }

  int refusedPercent(const HeldOutPack& pack) {
    Decider decider = packDecider(pack.name);
    std::size_t refused = 0;
    for (const char* request : pack.for_nobody) {
      const std::string agent = decided(decider, request).agent;
      if (agent.empty())
        ++refused;
      else
        ++confused_["nobody -> " + agent];
    }
    return percent(refused, pack.for_nobody.size());
  }

  /// Which agents were taken for which, without the requests: nobody is to tune examples to these.
  std::string confusions() const {
    std::string text;
    for (const auto& [pair, count] : confused_) text += std::to_string(count) + " " + pair + "\n";
    return text;
  }

 private:
  static RouteDecision decided(Decider& decider, const char* text) {
    RouteRequest request;
    request.request = text;
    const auto answer = decider.decide(request);
    if (answer.ok()) return *answer->decision;
    ADD_FAILURE() << answer.error().text();
    return {};
  }

  static int percent(std::size_t part, std::size_t all) {
    const int share = static_cast<int>(part * 100 / all);
    RecordProperty("percent", share);
    return share;
  }

  std::map<std::string, int> confused_;
};

TEST_F(HeldOutTest, RequestsToAFleetOfHostsGoToWhoDoesThem) {
  EXPECT_GE(rightPercent(kPantheros), 70) << confusions();
}

TEST_F(HeldOutTest, RequestsToANetworkGoToWhoDoesThem) {
  EXPECT_GE(rightPercent(kNephio), 70) << confusions();
}

TEST_F(HeldOutTest, NobodyOfAFleetIsGivenWhatNobodyIsFor) {
  EXPECT_GE(refusedPercent(kPantheros), 75) << confusions();
}

TEST_F(HeldOutTest, NobodyOfANetworkIsGivenWhatNobodyIsFor) {
  EXPECT_GE(refusedPercent(kNephio), 75) << confusions();
}

}  // namespace
}  // namespace tutti::routing
