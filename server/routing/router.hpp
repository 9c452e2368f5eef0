// The routing engine of a running tutti: follows blueprints, rules, feedback and runs, learns on a
// thread of its own, and decides.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "server/routing/decider.hpp"
#include "server/routing/request_vectors.hpp"
#include "server/routing/vector_fetcher.hpp"
#include "server/store/store.hpp"

namespace tutti::routing {

/// A request is decided by what the blueprints' and rules' files and the store say when it comes:
/// it waits for what has to be read or learnt anew (milliseconds; a second at 1,000 blueprints).
/// Files are looked at no more often than every kLookEvery. Replicas learn from one another by the
/// store.
///
/// Runs on the I/O thread only; learning has a thread of its own, whose end the destructor awaits.
class Router {
 public:
  struct Parts {
    store::Store& store;
    agents::BlueprintCatalog& catalog;
    std::function<void(std::function<void()>)> post;  ///< runs a function on the I/O thread
    ProgramCheck program_check;
    RuleBook::Options rules;
    DeciderOptions options = {};
    std::size_t waiting_max = 1024;            ///< requests that wait for what is read or learnt
    std::optional<VectorSource> vectors = {};  ///< none: the words alone decide
    After after = {};                          ///< needed with `vectors`
    /// Whose vectors are used; of more that are learnt from the rest goes without.
    std::size_t texts_max = static_cast<std::size_t>(kStoredVectorsMax);
    /// On the learner's thread, before it learns. What it throws fails the learning: for tests.
    std::function<void()> learning_begins = [] {};
  };
  explicit Router(Parts parts);
  ~Router();

  using Then = std::function<void(Result<Decider::Answer>)>;
  /// `then` runs at once, or as soon as the router knows what is new and has the request's vector,
  /// for which it waits a bounded time. Errors: those of
  /// Decider::decide(); Unavailable "router_busy" when waiting_max requests wait.
  void route(RouteRequest request, Then then);

  /// Learns what there is before the first request comes, so that this has vectors to go by.
  /// Nothing without Parts::vectors.
  void prepare();

  /// There may be new feedback or runs: what is known of the store is read before the next
  /// decision. Call after each commit, by whichever process.
  void storeChanged() { store_changed_ = true; }

 private:
  struct Waiting {
    RouteRequest request;
    Then then;
  };
  struct Read;
  struct Learnt;

  void pump();
  void look();
  void tellProblems(const Rules& rules);
  void startReading();
  void finishReading(Read& read);
  void notRead();
  void startLearning();
  void finishLearning(Learnt& learnt);
  void startLearningBehind();
  void finishLearningBehind(Learnt& learnt);
  void learn(std::function<void(Router&, Learnt&)> then);
  void learn(const Feedback& lesson);
  void serve();
  void answer(Waiting one);
  void decide(const Waiting& one, Result<std::vector<TextVector>> vectors);
  Error whyNoVectors() const;

  Parts parts_;
  RuleBook rules_;
  Decider decider_;
  std::shared_ptr<AgentModel> model_;
  std::shared_ptr<RecordReader> records_;  ///< a reader's thread has it while it reads
  std::shared_ptr<const std::vector<agents::Blueprint>> blueprints_;
  std::vector<Feedback> lessons_;  ///< all that teach, in order
  std::uint64_t catalog_ = 0;      ///< its generation when it was last looked at, plus 1
  std::uint64_t generation_ = 0;   ///< of what is learnt from: blueprints, and what nobody is for
  std::uint64_t learnt_ = 0;       ///< the generation of the model
  WallTime looked_at_;
  WallTime programs_at_;
  NobodyTopics nobody_;        ///< of the rules
  std::string told_of_rules_;  ///< their fingerprint when their problems were last logged
  std::size_t texts_ = 0;      ///< that the model was learnt from; 0 without vectors
  bool store_changed_ = true;
  bool busy_ = false;         ///< something is being read or learnt, and requests wait for it
  bool behind_ = false;       ///< the learner learns while requests are decided by what is known
  bool learn_next_ = false;   ///< requests wait for what is learnt after that
  bool new_vectors_ = false;  ///< there are some that the model has not learnt from
  bool prepare_ = false;
  std::size_t asking_ = 0;  ///< requests that wait for their vectors
  std::deque<Waiting> waiting_;
  std::size_t heard_ = 0;  ///< of these, came before what is being read: the others see it anew
  std::thread learner_;
  std::shared_ptr<Router*> self_;           ///< null once this has gone
  std::unique_ptr<VectorFetcher> fetcher_;  ///< null without vectors
  std::unique_ptr<RequestVectors> asker_;   ///< null without vectors
};

}  // namespace tutti::routing
