// One decision over one request: what the text says, whom it sounds like, who can take it now, and
// which strategy follows.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "server/agents/blueprint.hpp"
#include "server/base/clock.hpp"
#include "server/base/result.hpp"
#include "server/json/json.hpp"
#include "server/routing/agent_model.hpp"
#include "server/routing/analysis.hpp"
#include "server/routing/availability.hpp"
#include "server/routing/close_call.hpp"
#include "server/routing/rules.hpp"
#include "server/routing/strategy.hpp"

namespace tutti::routing {

struct RouteRequest {
  std::string request;
  std::string context;                  ///< what came before; heard where the request is unclear
  std::vector<std::string> candidates;  ///< names or aliases of who may be chosen; empty: all
  Constraints constraints;
  bool to_start = false;           ///< agents that cannot begin with a prompt alone are passed over
  std::optional<Verdict> verdict;  ///< of one who was asked about the close call
};

/// An agent that was considered.
struct Considered {
  std::string agent;
  double score = 0;  ///< probability, given that some agent fits
  bool chosen = false;
  std::string reason;
  std::string why_not;  ///< "" for a chosen one
};

/// Of the request, where an embeddings server is configured.
struct RequestMeaning {
  std::optional<TextVector> request;       ///< none: the words decide
  std::optional<TextVector> with_context;  ///< of the request and its context
  Json told;                               ///< what is said of it; null: nothing
};

/// The text whose vector is `with_context`.
std::string textWithContext(const RouteRequest& request);

struct RouteDecision {
  std::string request_hash;
  Strategy strategy;
  std::string agent;                   ///< the chosen one, or the lead; "" for none
  std::vector<Considered> considered;  ///< best first
  std::vector<std::string> others;     ///< who could be tried after `agent`, best first
  CloseCall close_call;                ///< empty where a verdict was given
  Json answer;  ///< strategy, agent, analysis, candidates, scope, embeddings: all that is told
};

struct DeciderOptions {
  std::chrono::seconds cache_ttl{3600};  ///< 0: nothing is cached
  std::size_t cache_max = 512;           ///< entries, of up to 100 KB; the oldest goes
  std::size_t shown_max = 5;             ///< candidates that are told of
};

/// Best candidate that is no first choice (that one is passed over) must have this score at least.
inline constexpr double kFitLeast = 0.15;
/// Where scores are probabilities, the first and its equals together must be so likely: a choice
/// that is rather wrong than right is a question.
inline constexpr double kLikelyLeast = 0.45;
/// Share of what the scores leave without the first, from which on an agent may be tried after
/// another has failed. Those that the asker names may be tried in any case.
inline constexpr double kTryLeast = 0.15;

/// Deterministic: the same state and request give the same decision, byte for byte.
/// Runs on one thread only (the I/O thread).
class Decider {
 public:
  explicit Decider(DeciderOptions options, const Clock& clock = Clock::system());
  ~Decider();

  /// What is known from now on. What is cached is out of date if `rules` or the blueprints differ.
  void setAgents(std::shared_ptr<const std::vector<agents::Blueprint>> blueprints, AgentNames names,
                 Rules rules);
  /// What is cached is out of date then.
  void setModel(std::shared_ptr<const AgentModel> model);
  void setPassedOver(PassedOver passed_over);
  void setRecords(AgentRecords records);

  struct Answer {
    std::shared_ptr<const RouteDecision> decision;
    bool cached = false;  ///< was the text read before?
  };
  /// Errors: InvalidArgument "empty_request", NotFound "unknown_blueprint" for a candidate that
  /// there is not.
  Result<Answer> decide(const RouteRequest& request, const RequestMeaning& meaning = {});

  std::size_t cached() const { return cache_.size(); }

 private:
  /// What does not depend on who is busy.
  struct Content {
    std::string request_hash;  ///< of the normalised request
    std::string text_hash;     ///< of the request as it is
    Analysis analysis;
    Json analysis_json;
    Decision ranking;
    bool by_context = false;
    Json meaning_told;
  };
  struct Entry {
    std::shared_ptr<const Content> content;
    WallTime until;
    std::shared_ptr<const RouteDecision> decision;
    std::uint64_t availability = 0;  ///< of `decision`
    std::uint64_t state = 0;         ///< of the cache, when it was made
  };

  /// Who may be chosen, as it is now.
  struct Weighed {
    Choice choice;
    std::map<std::string, std::string> equals;  ///< that were not taken, and why not
  };

  std::shared_ptr<const Content> read(const RouteRequest& request, const std::string& normal,
                                      const RequestMeaning& meaning) const;
  void analyzeText(const RouteRequest& request, Content& content) const;
  Weighed weigh(const RouteRequest& request, const Content& content);
  std::shared_ptr<const RouteDecision> choose(const RouteRequest& request, const Content& content);
  /// Why `one` is not chosen.
  static std::string whyOthers(const RouteRequest& request, const Weighed& weighed,
                               const RouteDecision& decision, const Considered& one);
  std::string refusal(const agents::Blueprint& blueprint, const RouteRequest& request) const;
  PassedOver passedOver(const RouteRequest& request);
  PassedOver passedOverFor(const RouteRequest& request) const;
  void keep(const std::string& key, Entry entry);
  const AgentRecord& recordOf(std::string_view name) const;
  Json tell(const RouteDecision& decision, const Content& content) const;
  Result<std::vector<std::string>> resolved(const std::vector<std::string>& names) const;

  const DeciderOptions options_;
  const Clock& clock_;
  std::shared_ptr<const std::vector<agents::Blueprint>> blueprints_;
  BlueprintsByName by_name_;
  AgentNames names_;
  Rules rules_;
  std::shared_ptr<const AgentModel> model_;
  PassedOver unstartable_;
  AgentRecords records_;
  std::uint64_t availability_ = 1;              ///< rises when who can take work changes
  std::map<bool, PassedOver> without_demands_;  ///< by to_start; of requests without constraints
  std::uint64_t state_ = 1;  ///< rises when all that is cached is out of date; it goes bit by bit
  std::unordered_map<std::string, Entry> cache_;
  std::deque<std::string> cache_order_;
};

/// Can it begin with nothing but a prompt?
bool takesPromptAlone(const agents::Blueprint& blueprint);

}  // namespace tutti::routing
