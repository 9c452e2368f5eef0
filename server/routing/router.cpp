#include "server/routing/router.hpp"

#include <iterator>
#include <utility>

#include "server/base/log.hpp"

namespace tutti::routing {
namespace {
constexpr std::chrono::milliseconds kLookEvery{100};
/// A program may be installed at any time, and nothing tells of it.
constexpr std::chrono::seconds kProgramsEvery{5};
/// So many new lessons are learnt at once on the I/O thread, each in a millisecond or two; more
/// are learnt with all the rest on the learner's.
constexpr std::size_t kLessonsAtOnceMax = 4;
}  // namespace

/// What a reader's thread found; read on the I/O thread after.
struct Router::Read {
  std::vector<Feedback> lessons;
  AgentRecords records;
};

Router::Router(Parts parts)
    : parts_(std::move(parts)),
      rules_(parts_.rules),
      decider_(parts_.options),
      model_(std::make_shared<AgentModel>()),
      blueprints_(std::make_shared<const std::vector<agents::Blueprint>>()),
      self_(std::make_shared<Router*>(this)) {}

Router::~Router() {
  *self_ = nullptr;
  if (learner_.joinable()) learner_.join();
}

void Router::route(RouteRequest request, Then then) {
  if (waiting_.size() >= parts_.waiting_max)
    return then(
        Error(Code::Unavailable,
              std::to_string(waiting_.size()) + " requests wait to be routed already (waiting_max)",
              "try again in a second")
            .named("router_busy"));
  waiting_.push_back({std::move(request), std::move(then)});
  pump();
}

void Router::pump() {
  if (busy_ || waiting_.empty()) return;
  heard_ = waiting_.size();
  look();
  if (store_changed_) return startReading();
  if (learnt_ != generation_) return startLearning();
  serve();
}

void Router::look() {
  const WallTime now = Clock::system().now();
  if (now >= looked_at_ && now - looked_at_ < kLookEvery) return;
  looked_at_ = now;
  const std::uint64_t generation = parts_.catalog.generation() + 1;  // 0: not looked yet
  const bool other_agents = generation != catalog_;
  if (other_agents) {
    catalog_ = generation;
    ++generation_;
    blueprints_ = std::make_shared<const std::vector<agents::Blueprint>>(parts_.catalog.list());
    programs_at_ = WallTime();
  }
  Rules rules = rules_.rules(parts_.catalog);
  const bool other_rules = rules.fingerprint() != told_of_rules_;
  if (other_rules) tellProblems(rules);
  if (other_rules && rules.nobody() != nobody_) {
    nobody_ = rules.nobody();
    ++generation_;
  }
  if (other_agents || other_rules)
    decider_.setAgents(blueprints_, agentNames(parts_.catalog), std::move(rules));
  if (now >= programs_at_ && now - programs_at_ < kProgramsEvery) return;
  programs_at_ = now;
  decider_.setPassedOver(unstartable(*blueprints_, parts_.program_check));
}

void Router::tellProblems(const Rules& rules) {
  constexpr std::size_t kToldMax = 20;
  told_of_rules_ = rules.fingerprint();
  for (std::size_t i = 0; i < rules_.problems().size() && i < kToldMax; ++i)
    log::warning("routing rules: " + rules_.problems()[i].text());
}

void Router::startReading() {
  busy_ = true;
  store_changed_ = false;
  auto read = std::make_shared<Read>();
  const std::int64_t heard_to = lessons_.empty() ? 0 : lessons_.back().seq;
  parts_.store.read(
      [read, heard_to](store::Connection& db) -> Status {
        read->lessons = lessons(db, heard_to, kFeedbackMax);
        read->records = readRecords(db);
        return ok();
      },
      [post = parts_.post, self = self_, read](Status status) {
        post([self, read, status = std::move(status)] {
          if (*self == nullptr) return;
          if (status.ok()) return (*self)->finishReading(*read);
          log::warning("routing goes by what was known before: " + status.error().text());
          (*self)->notRead();
        });
      });
}

/// What could not be read is left as it was: a decision is better than none.
void Router::notRead() {
  busy_ = false;
  if (learnt_ != generation_)
    startLearning();
  else
    serve();
  store_changed_ = true;  // last: those that wait now are not to wait for it
}

void Router::finishReading(Read& read) {
  busy_ = false;
  decider_.setRecords(std::move(read.records));
  for (const Feedback& lesson : read.lessons) lessons_.push_back(lesson);
  if (lessons_.size() > static_cast<std::size_t>(kFeedbackMax))
    lessons_.erase(lessons_.begin(), lessons_.end() - kFeedbackMax);
  if (learnt_ != generation_) return startLearning();
  if (read.lessons.size() > kLessonsAtOnceMax) return startLearning();
  for (const Feedback& lesson : read.lessons) model_->learn(lesson);
  if (!read.lessons.empty()) decider_.setModel(model_);
  serve();
}

void Router::startLearning() {
  busy_ = true;
  learning_ = generation_;
  if (learner_.joinable()) learner_.join();  // it has ended: its last act was to post
  learner_ = std::thread([post = parts_.post, self = self_, texts = textsOf(*blueprints_),
                          lessons = lessons_, nobody = nobody_] {
    auto model = std::make_shared<AgentModel>(AgentModel::train(texts, lessons, {}, nobody));
    post([self, model] {
      if (*self != nullptr) (*self)->finishLearning(model);
    });
  });
}

void Router::finishLearning(std::shared_ptr<AgentModel> model) {
  busy_ = false;
  learnt_ = learning_;
  model_ = std::move(model);
  decider_.setModel(model_);
  serve();
}

void Router::serve() {
  const auto end = waiting_.begin() + static_cast<std::ptrdiff_t>(heard_);
  std::vector<Waiting> now(std::make_move_iterator(waiting_.begin()), std::make_move_iterator(end));
  waiting_.erase(waiting_.begin(), end);
  heard_ = 0;
  for (Waiting& one : now) one.then(decider_.decide(one.request));
  pump();
}

}  // namespace tutti::routing
