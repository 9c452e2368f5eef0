// Rule files: what is refused, with its place, and how later files go over earlier ones.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/routing/rules_support.hpp"

namespace tutti::routing {
namespace {

const AgentNames kAgents = {{"security-specialist", "security-specialist"},
                            {"security", "security-specialist"},
                            {"writer", "writer"}};

/// A good file, to which each case adds one thing.
constexpr const char* kGood = R"(signals:
  safe:
    - firewall
domains:
  nix: [flake]
workflows:
  check:
    description: Look
    steps: [security.look, .done]
swarms:
  all:
    domains: {nix: [writer]}
    otherwise: [writer]
strategies:
  review:
    description: Touches safety
    when: {signal: safe}
    then: {type: multi_agent, workflow: check}
)";

LoadedRules load(const std::vector<std::string>& contents, const RuleLimits& limits = {}) {
  std::vector<RuleFile> files;
  for (const std::string& content : contents)
    files.push_back({"f" + std::to_string(files.size()) + ".yaml", content});
  return loadRules(files, kAgents, limits);
}

std::string problemsOf(const LoadedRules& loaded) {
  std::string text;
  for (const RuleProblem& problem : loaded.problems) text += problem.text() + "\n";
  return text;
}

TEST(RuleFiles, AGoodFileHasNoProblemAndItsAliasesAreNames) {
  const LoadedRules loaded = load({kGood});
  EXPECT_EQ(problemsOf(loaded), "");
  ASSERT_EQ(loaded.rules.strategies().size(), 1U);
  EXPECT_EQ(loaded.rules.strategies().front().then.agents,
            std::vector<std::string>{"security-specialist"});
  EXPECT_EQ(loaded.rules.workflow("check")->steps.front().agent, "security-specialist");
}

TEST(RuleFiles, TwinsOfOneKindOfWorkAreCollectedOverFiles) {
  const LoadedRules loaded =
      load({kGood, "twins: {words: [writer]}\n", "twins: {words: [security, writer]}\n"});
  EXPECT_EQ(problemsOf(loaded), "");
  EXPECT_EQ(loaded.rules.twins(), (TwinGroups{{"words", {"writer", "security-specialist"}}}));
  EXPECT_EQ(problemsOf(load({kGood, "twins: {words: [writr]}\n"})),
            "f1.yaml:1: twins.words[0]: unknown agent 'writr' (did you mean writer?)\n");
}

struct Broken {
  const char* name;
  const char* content;  ///< a file after the good one
  const char* problem;  ///< the whole text of its one problem
};
class BrokenRuleFile : public ::testing::TestWithParam<Broken> {};

TEST_P(BrokenRuleFile, IsRefusedOnceWithPlaceAndValue) {
  const LoadedRules loaded = load({kGood, GetParam().content});
  EXPECT_EQ(problemsOf(loaded), std::string("f1.yaml:") + GetParam().problem + "\n");
  EXPECT_EQ(loaded.rules.strategies().size(), 1U);  // the good file's
}

INSTANTIATE_TEST_SUITE_P(
    Each, BrokenRuleFile,
    ::testing::Values(
        Broken{"no_yaml", "a: b\n  c: [",
               "2: the file is no YAML in its line 2 (put a value that "
               "holds ': ' or '#' in quotes)"},
        Broken{"no_mapping", "- a\n", "1: the file must be \"key: value\" lines"},
        Broken{"anchor", "signals: &a\n  x: [b]\n",
               "1: the file uses an anchor or an alias (& or *) (write the value out, or put it in "
               "quotes)"},
        Broken{"two_documents", "signals: {}\n---\nsignals: {}\n",
               "1: the file holds a second document (put what follows '---' in a file of its own)"},
        Broken{"same_name_twice", "signals:\n  a: [b]\n  a: [c]\n", "3: 'a' is given twice"},
        Broken{"unknown_section", "\nstrategy: {}\n",
               "2: strategy: unknown field 'strategy' (did you mean strategies?)"},
        Broken{"unknown_field",
               "strategies:\n  a:\n    description: x\n    wen: {}\n    then: {type: "
               "clarify}\n",
               "4: strategies.a.wen: unknown field 'wen' (did you mean when and then?)"},
        Broken{"name", "signals:\n  a b: [c]\n",
               "2: signals.a b: the name 'a b' has other characters than a-z 0-9 _ - + # (give it "
               "another name)"},
        Broken{"level", "complexity:\n  huge: [big]\n",
               "2: complexity.huge: unknown name 'huge' (use one of simple, moderate, complex, "
               "enterprise and investigation)"},
        Broken{"weight", "signals:\n  a:\n    - {term: b, weight: 1.5}\n",
               "3: signals.a[0].weight: is '1.5' (give a number from 0.01 to 1)"},
        Broken{"weight_word", "signals:\n  a:\n    - {term: b, weight: much}\n",
               "3: signals.a[0].weight: is 'much' (give a number from 0.01 to 1)"},
        Broken{"term", "signals:\n  a: ['* b']\n",
               "2: signals.a[0]: the term '* b' begins or ends with '*' (write words, 'a|b' for "
               "either, '*' for up to three words between, '=word' for this spelling only)"},
        Broken{
            "pattern", "signals:\n  a:\n    patterns: ['(x']\n",
            "3: signals.a.patterns[0]: the pattern '(x' is no regular expression of RE2: missing "
            "): (x"},
        Broken{"back_reference", "signals:\n  a:\n    patterns: ['(x)\\1']\n",
               "3: signals.a.patterns[0]: the pattern '(x)\\1' is no regular expression of RE2: "
               "invalid escape sequence: \\1"},
        Broken{"empty_pattern", "signals:\n  a:\n    patterns: ['x*']\n",
               "3: signals.a.patterns[0]: the pattern 'x*' matches the empty text"},
        Broken{"priority",
               "strategies:\n  a: {description: x, priority: 2000, then: {type: "
               "clarify}}\n",
               "2: strategies.a.priority: is '2000' (give a number from -1000 to 1000)"},
        Broken{"yields_at", "yields_at: 90\n", "1: yields_at: is '90' (give a number from 0 to 1)"},
        Broken{"whole_priority",
               "strategies:\n  a: {description: x, priority: 1.5, then: {type: "
               "clarify}}\n",
               "2: strategies.a.priority: is '1.5' (give a whole number)"},
        Broken{"no_description", "strategies:\n  a:\n    then: {type: clarify}\n",
               "2: strategies.a.description: is missing or empty"},
        Broken{
            "no_then", "strategies:\n  a: {description: x}\n",
            "2: strategies.a.then: is missing (say what follows: then: {type: single_agent, agent: "
            "NAME})"},
        Broken{"type", "strategies:\n  a: {description: x, then: {type: team}}\n",
               "2: strategies.a.then.type: is 'team' (use one of single_agent, multi_agent, "
               "skill_execution, research_swarm and clarify)"},
        Broken{"field_of_other_type",
               "strategies:\n  a: {description: x, then: {type: clarify, agent: writer}}\n",
               "2: strategies.a.then.agent: a clarify has no 'agent'"},
        Broken{"missing_for_type",
               "strategies:\n  a: {description: x, then: {type: skill_execution, agent: writer}}\n",
               "2: strategies.a.then.skill: is missing: a skill_execution needs it"},
        Broken{
            "nobody", "strategies:\n  a: {description: x, then: {type: multi_agent}}\n",
            "2: strategies.a.then: names neither 'workflow' nor 'agents': a multi_agent needs one "
            "of them"},
        Broken{
            "two_conditions",
            "strategies:\n  a:\n    description: x\n    when: {signal: safe, "
            "domain: nix}\n    then: {type: clarify}\n",
            "4: strategies.a.when: names domain and signal at once (give one of all, any, not and "
            "a leaf such as signal; join several with all)"},
        Broken{"empty_all",
               "strategies:\n  a: {description: x, when: {all: []}, then: {type: "
               "clarify}}\n",
               "2: strategies.a.when.all: has no condition in it"},
        Broken{"condition_text",
               "strategies:\n  a: {description: x, when: safe, then: {type: clarify}}\n",
               "2: strategies.a.when: is no condition (write {signal: NAME}, or all, any or not "
               "with a "
               "list of such)"},
        Broken{"confidence",
               "strategies:\n  a: {description: x, when: {signal: safe, confidence: 7}, "
               "then: {type: clarify}}\n",
               "2: strategies.a.when.confidence: is '7' (give a number from 0 to 1)"},
        Broken{"step", "workflows:\n  w: {description: x, steps: [writer]}\n",
               "2: workflows.w.steps[0]: the step 'writer' is not agent.action (write "
               "AGENT.ACTION, or "
               ".ACTION for a step of the first agent)"},
        Broken{"no_step", "workflows:\n  w: {description: x, steps: []}\n",
               "2: workflows.w.steps: has no step"},
        Broken{"no_otherwise", "swarms:\n  s: {domains: {nix: [writer]}}\n",
               "2: swarms.s.otherwise: is missing: who researches what has no domain above"},
        Broken{"at", "gates:\n  g: {description: x, agent: writer, action: y, at: middle}\n",
               "2: gates.g.at: is 'middle' (use one of end and start)"},
        Broken{"agent",
               "strategies:\n  a:\n    description: x\n    then:\n      type: single_agent\n   "
               "   agent: secrity\n",
               "6: strategies.a.then.agent: unknown agent 'secrity' (did you mean security?)"},
        Broken{"agent_of_a_step", "workflows:\n  w: {description: x, steps: [writr.go]}\n",
               "2: workflows.w.steps[0]: unknown agent 'writr' (did you mean writer?)"},
        Broken{"signal",
               "strategies:\n  a: {description: x, when: {any: [{signal: saef}]}, then: "
               "{type: clarify}}\n",
               "2: strategies.a.when.any[0].signal: unknown signal 'saef' (did you mean safe?)"},
        Broken{"workflow",
               "strategies:\n  a: {description: x, then: {type: multi_agent, workflow: "
               "chekc}}\n",
               "2: strategies.a.then.workflow: unknown workflow 'chekc' (did you mean check?)"},
        Broken{"domain_of_a_swarm",
               "swarms:\n  s: {domains: {nyx: [writer]}, otherwise: [writer]}\n",
               "2: swarms.s.domains.nyx: unknown domain 'nyx' (did you mean nix?)"},
        Broken{"exception",
               "gates:\n  g: {description: x, agent: writer, action: y, except: [reviw]}\n",
               "2: gates.g.except[0]: unknown strategy 'reviw' (did you mean review?)"}),
    [](const auto& one) { return std::string(one.param.name); });

TEST(RuleFiles, OneFileTellsAllThatIsWrongWithIt) {
  const LoadedRules loaded =
      load({"signals:\n  a: [{term: b, weight: 2}]\nstrategies:\n  s: {then: {type: none}}\n"});
  EXPECT_EQ(loaded.problems.size(), 3U) << problemsOf(loaded);
}

TEST(RuleFiles, WorkflowOfTooManyStepsIsRefused) {
  std::string steps;
  for (int i = 0; i < 33; ++i) steps += (i == 0 ? "" : ", ") + std::string(".act");
  EXPECT_NE(problemsOf(load({"workflows:\n  w: {description: x, steps: [" + steps + "]}\n"}))
                .find("workflows.w.steps: has 33 steps, of 32 (steps_max)"),
            std::string::npos);
}

TEST(RuleFiles, LimitsAreNamed) {
  RuleLimits limits;
  limits.files_max = 1;
  EXPECT_EQ(problemsOf(load({kGood, kGood}, limits)),
            "f1.yaml:1: is past the limit of 1 rule files (files_max) (join files)\n");
  limits = {};
  limits.terms_max = 2;
  EXPECT_EQ(problemsOf(load({"signals:\n  a: [b, c, d]\n"}, limits)),
            "f0.yaml:1: makes more than 2 terms (terms_max) (join or remove rules)\n");
  EXPECT_EQ(problemsOf(load({"hosts: [a, b]\n", "file_extensions: [c]\n"}, limits)),
            "f1.yaml:1: makes more than 2 terms (terms_max) (join or remove rules)\n");
  limits = {};
  limits.file_bytes_max = 10;
  EXPECT_EQ(problemsOf(load({kGood}, limits)), "f0.yaml:1: the file is larger than 10 bytes\n");
  limits = {};
  limits.patterns_max = 0;
  EXPECT_EQ(problemsOf(load({"signals:\n  a: {patterns: [x]}\n"}, limits)),
            "f0.yaml:1: makes more than 0 patterns (patterns_max) (join or remove rules)\n");
  limits = {};
  limits.nobody_max = 1;
  EXPECT_EQ(problemsOf(load({"nobody:\n  a: {examples: [b, c]}\n"}, limits)),
            "f0.yaml:1: makes more than 1 examples of what nobody is for (nobody_max) (join or "
            "remove rules)\n");
  const std::string deep =
      "strategies:\n  a: {description: x, when: {all: [{all: [{all: [{all: [{all: "
      "[{all: [{signal: safe}]}]}]}]}]}]}, then: {type: clarify}}\n";
  EXPECT_NE(problemsOf(load({deep})).find("nested deeper than"), std::string::npos);
}

TEST(RuleFiles, ALaterFileAddsTermsAndReplacesOrRemovesRules) {
  const LoadedRules loaded =
      load({kGood,
            "signals:\n  safe: [moat]\nstrategies:\n"
            "  review: {description: Mine, when: {signal: safe}, then: {type: "
            "single_agent, agent: writer}}\n"});
  ASSERT_EQ(problemsOf(loaded), "");
  for (const char* request : {"the firewall", "the moat"})
    EXPECT_EQ(choose(analyze(request, loaded.rules), {}, loaded.rules).agent, "writer") << request;

  const LoadedRules replaced = load({kGood, "signals:\n  safe: {replace: true, terms: [moat]}\n"});
  EXPECT_EQ(signalConfidence(analyze("firewall", replaced.rules), "safe"), 0);
  EXPECT_GT(signalConfidence(analyze("moat", replaced.rules), "safe"), 0);

  const LoadedRules removed = load({kGood, "strategies:\n  review: {enabled: false}\n"});
  EXPECT_EQ(problemsOf(removed), "");
  EXPECT_TRUE(removed.rules.strategies().empty());
}

TEST(RuleFiles, ATopicOfNobodysIsReplacedOrTakenAway) {
  const std::string first = "nobody:\n  a: {unless: [x], examples: [b, c]}\n  d: {examples: [e]}\n";
  const LoadedRules loaded =
      load({first, "nobody:\n  a: {examples: [f]}\n  d: {enabled: false}\n"});
  EXPECT_EQ(problemsOf(loaded), "");
  EXPECT_EQ(loaded.rules.nobody().at("a"), (NobodyTopic{{}, {"f"}}));
  EXPECT_TRUE(loaded.rules.nobody().at("d").examples.empty());
}

TEST(RuleFiles, AGateStaysWhenAStrategyThatItNamesIsTakenAway) {
  const LoadedRules loaded =
      load({kGood, "gates:\n  g: {description: x, agent: writer, action: y, except: [review]}\n",
            "strategies:\n  review: {enabled: false}\n"});
  EXPECT_EQ(problemsOf(loaded), "");
  EXPECT_EQ(loaded.rules.gates().size(), 1U);
}

TEST(RuleFiles, ARuleWithAnUnknownNameIsLeftOutAlone) {
  const LoadedRules loaded =
      load({kGood,
            "strategies:\n  bad: {description: x, then: {type: single_agent, agent: ghost}}\n"
            "  good: {description: x, then: {type: single_agent, agent: writer}}\n"});
  EXPECT_EQ(loaded.problems.size(), 1U);
  EXPECT_EQ(loaded.rules.strategies().size(), 2U);
}

TEST(RuleFiles, TheFingerprintTellsRulesApart) {
  EXPECT_EQ(load({kGood}).rules.fingerprint(), load({kGood}).rules.fingerprint());
  EXPECT_NE(load({kGood}).rules.fingerprint(), load({kGood, "hosts: [a]\n"}).rules.fingerprint());
  EXPECT_EQ(load({kGood}).rules.fingerprint().size(), 16U);
}

TEST(RuleFiles, AreReadAgainWhenTheirFolderChanges) {
  namespace fs = std::filesystem;
  const fs::path folder = fs::path(::testing::TempDir()) / "rule_book_test";
  fs::remove_all(folder);
  fs::create_directories(folder / "routing");
  agents::BlueprintCatalog catalog = testing::catalogOf({});
  RuleBook::Options options;
  options.folders = {folder};
  RuleBook book(options);
  const std::string before = book.rules(catalog).fingerprint();
  EXPECT_EQ(book.rules(catalog).fingerprint(), before);

  std::ofstream(folder / "routing" / "mine.yaml")
      << "strategies:\n  mine: {description: x, when: {signal: security}, then: {type: "
         "single_agent, "
         "agent: claude}}\n";
  const Rules after = book.rules(catalog);
  EXPECT_NE(after.fingerprint(), before);
  EXPECT_TRUE(book.problems().empty());
  EXPECT_EQ(choose(analyze("the firewall", after), {}, after).agent, "claude");

  std::ofstream(folder / "routing" / "mine.yaml") << "strategies:\n  mine: {}\n";
  static_cast<void>(book.rules(catalog));
  ASSERT_FALSE(book.problems().empty());
  EXPECT_EQ(book.problems().front().source, (folder / "routing" / "mine.yaml").string());
  fs::remove_all(folder);
}

}  // namespace
}  // namespace tutti::routing
