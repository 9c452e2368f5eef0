#include "server/routing/router.hpp"

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>
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

/// What the learner's thread made; read on the I/O thread after.
struct Router::Learnt {
  std::shared_ptr<AgentModel> model;  ///< null: it could not be learnt, and the one before stays
  std::vector<std::string> missing;   ///< texts without a vector in the store
  std::size_t texts = 0;              ///< that it is learnt from, where there is a server
  std::uint64_t generation = 0;       ///< of the blueprints
  std::int64_t last_lesson = 0;
};

namespace {
/// All that a model learns from.
std::vector<std::string> allTexts(const std::vector<AgentTexts>& agents,
                                  const std::vector<Feedback>& lessons,
                                  const std::vector<std::string>& nobody_texts) {
  std::vector<std::string> texts;
  for (const AgentTexts& agent : agents)
    texts.insert(texts.end(), agent.texts.begin(), agent.texts.end());
  for (const Feedback& lesson : lessons)
    if (lesson.teaches) texts.push_back(lesson.request);
  texts.insert(texts.end(), nobody_texts.begin(), nobody_texts.end());
  return texts;
}

/// Those of the store, without those that are empty. `missing` gets the texts that it has not. On
/// the learner's thread.
TextVectors storedVectors(store::Store& store, const std::string& identity,
                          const std::vector<std::string>& texts,
                          std::vector<std::string>& missing) {
  std::vector<std::string> keys;
  for (const std::string& text : texts) keys.push_back(vectorKey(text));
  FoundVectors found;
  const std::int64_t day = today();
  const Status read = store.readAndWait([&](store::Connection& db) {
    found = findVectors(db, identity, keys, day);
    return ok();
  });
  if (!read.ok()) {
    log::warning("routing goes by words: " + read.error().text());
    return {};
  }
  for (std::size_t i = 0; i < texts.size(); ++i)
    if (!found.vectors.contains(keys[i])) missing.push_back(texts[i]);
  std::erase_if(found.vectors, [](const auto& one) { return one.second.empty(); });
  if (!found.used_earlier.empty())
    store.write(
        [identity, keys = std::move(found.used_earlier), day](store::Tx& tx) {
          touchVectors(tx, identity, keys, day);
          return ok();
        },
        [](const Status&) {});
  return std::move(found.vectors);
}
}  // namespace

Router::Router(Parts parts)
    : parts_(std::move(parts)),
      rules_(parts_.rules),
      decider_(parts_.options),
      model_(std::make_shared<AgentModel>()),
      records_(std::make_shared<RecordReader>()),
      blueprints_(std::make_shared<const std::vector<agents::Blueprint>>()),
      self_(std::make_shared<Router*>(this)) {
  if (!parts_.vectors) return;
  fetcher_ = std::make_unique<VectorFetcher>(VectorFetcher::Parts{
      .store = parts_.store, .source = *parts_.vectors, .post = parts_.post, .fetched = [this] {
        new_vectors_ = true;
        startLearningBehind();
      }});
  asker_ = std::make_unique<RequestVectors>(
      RequestVectors::Parts{.source = *parts_.vectors, .post = parts_.post, .after = parts_.after});
}

Router::~Router() {
  *self_ = nullptr;
  if (learner_.joinable()) learner_.join();
}

void Router::route(RouteRequest request, Then then) {
  if (waiting_.size() + asking_ >= parts_.waiting_max)
    return then(Error(Code::Unavailable,
                      std::to_string(waiting_.size() + asking_) +
                          " requests wait to be routed already (waiting_max)",
                      "try again in a second")
                    .named("router_busy"));
  waiting_.push_back({std::move(request), std::move(then)});
  pump();
}

void Router::prepare() {
  if (!parts_.vectors) return;
  prepare_ = true;
  pump();
}

void Router::pump() {
  if (busy_ || (waiting_.empty() && !prepare_)) return;
  prepare_ = false;
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
      [read, heard_to, records = records_](store::Connection& db) -> Status {
        read->lessons = lessons(db, heard_to, kFeedbackMax);
        read->records = records->read(db);
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
  for (const Feedback& lesson : read.lessons) learn(lesson);
  if (!read.lessons.empty()) decider_.setModel(model_);
  serve();
}

/// A lesson whose vector is not known yet is learnt from again when it is.
void Router::learn(const Feedback& lesson) {
  const TextVector* vector = asker_ ? asker_->kept(lesson.request) : nullptr;
  model_->learn(lesson, vector);
  if (!fetcher_ || !lesson.teaches) return;
  if (vector != nullptr)
    fetcher_->keep(lesson.request, *vector);
  else
    fetcher_->want({lesson.request});
}

void Router::startLearning() {
  busy_ = true;
  learn_next_ = behind_;
  if (!behind_) learn([](Router& router, Learnt& learnt) { router.finishLearning(learnt); });
}

/// `then` runs on the I/O thread.
void Router::learn(std::function<void(Router&, Learnt&)> then) {
  new_vectors_ = false;
  if (learner_.joinable()) learner_.join();  // it has ended: its last act was to post
  learner_ = std::thread([&store = parts_.store, post = parts_.post, self = self_,
                          identity = parts_.vectors ? parts_.vectors->identity : "",
                          texts = textsOf(*blueprints_), lessons = lessons_, nobody = nobody_,
                          generation = generation_, texts_max = parts_.texts_max,
                          begins = parts_.learning_begins, then = std::move(then)] {
    auto learnt = std::make_shared<Learnt>();
    learnt->generation = generation;
    learnt->last_lesson = lessons.empty() ? 0 : lessons.back().seq;
    try {  // what a thread throws ends the process, and with it what has nothing to do with routing
      begins();
      const std::vector<std::string> nobody_texts = nobodyTextsFor(texts, nobody);
      TextVectors vectors;
      if (!identity.empty()) {
        std::vector<std::string> all = allTexts(texts, lessons, nobody_texts);
        learnt->texts = all.size();
        all.resize(std::min(all.size(), texts_max));
        vectors = storedVectors(store, identity, all, learnt->missing);
      }
      learnt->model =
          std::make_shared<AgentModel>(AgentModel::train(texts, lessons, vectors, nobody_texts));
    } catch (const std::exception& error) {
      log::error(std::string("routing could not learn, and goes by what it knew: ") + error.what());
    }
    post([self, learnt, then] {
      if (*self != nullptr) then(**self, *learnt);
    });
  });
}

void Router::finishLearning(Learnt& learnt) {
  busy_ = false;
  learnt_ = learnt.generation;
  if (learnt.model) {
    model_ = std::move(learnt.model);
    texts_ = learnt.texts;
    decider_.setModel(model_);
    if (fetcher_) fetcher_->want(learnt.missing);
  }
  serve();
}

/// With vectors that have come meanwhile. Requests do not wait for it.
void Router::startLearningBehind() {
  if (!new_vectors_ || busy_ || behind_ || learnt_ != generation_) return;
  behind_ = true;
  learn([](Router& router, Learnt& learnt) { router.finishLearningBehind(learnt); });
}

void Router::finishLearningBehind(Learnt& learnt) {
  behind_ = false;
  if (std::exchange(learn_next_, false)) return startLearning();
  if (learnt.generation != learnt_) {
    new_vectors_ = true;
    return;
  }
  if (!learnt.model) return;
  model_ = std::move(learnt.model);
  texts_ = learnt.texts;
  for (const Feedback& lesson : lessons_)
    if (lesson.seq > learnt.last_lesson) learn(lesson);
  decider_.setModel(model_);
  if (fetcher_) fetcher_->want(learnt.missing);
  startLearningBehind();
}

void Router::serve() {
  startLearningBehind();
  const auto end = waiting_.begin() + static_cast<std::ptrdiff_t>(heard_);
  std::vector<Waiting> now(std::make_move_iterator(waiting_.begin()), std::make_move_iterator(end));
  waiting_.erase(waiting_.begin(), end);
  heard_ = 0;
  for (Waiting& one : now) answer(std::move(one));
  pump();
}

void Router::answer(Waiting one) {
  const std::string normal = normalisedRequest(one.request.request);
  if (!asker_ || normal.empty()) return one.then(decider_.decide(one.request));
  if (!model_->fused()) return decide(one, whyNoVectors());
  std::vector<std::string> texts = {normal};
  if (!one.request.context.empty()) texts.push_back(textWithContext(one.request));
  ++asking_;
  auto waiting = std::make_shared<const Waiting>(std::move(one));
  asker_->get(texts, [this, waiting](Result<std::vector<TextVector>> vectors) {
    --asking_;
    if (vectors.ok()) fetcher_->retry();
    decide(*waiting, std::move(vectors));
  });
}

void Router::decide(const Waiting& one, Result<std::vector<TextVector>> vectors) {
  if (vectors.ok() && !model_->fused()) vectors = whyNoVectors();
  if (vectors.ok() && vectors->front().size() != model_->dimensions())
    vectors = otherDimension(vectors->front().size(), model_->dimensions());
  RequestMeaning meaning;
  if (vectors.ok()) {
    meaning.told = Json::object({{"used", true}, {"model", parts_.vectors->model}});
    meaning.request = std::move(vectors->front());
    if (vectors->size() > 1) meaning.with_context = std::move(vectors->back());
  } else {
    const Error& error = vectors.error();
    meaning.told = Json::object(
        {{"used", false}, {"reason", std::string(error.name()) + ": " + error.message()}});
  }
  one.then(decider_.decide(one.request, meaning));
}

/// Why the model cannot use any.
Error Router::whyNoVectors() const {
  if (!model_->chooses())
    return Error(Code::Unavailable, "there are not two agents to choose from")
        .named("embeddings_no_choice");
  if (const auto problem = fetcher_->problem()) return *problem;
  const std::size_t waiting = fetcher_->waiting();
  if (fetcher_->fetching() || behind_ || new_vectors_)
    return Error(Code::Unavailable, std::to_string(waiting) +
                                        " of the texts that agents are learnt from have no vector "
                                        "yet")
        .named("embeddings_learning");
  if (texts_ > parts_.texts_max)
    return Error(Code::Unavailable,
                 "agents are learnt from " + std::to_string(texts_) + " texts, and vectors of " +
                     std::to_string(parts_.texts_max) + " of them are used at most (texts_max)")
        .named("embeddings_too_many_texts");
  return Error(Code::Unavailable,
               "the embeddings server will not have all of the texts that agents are learnt from")
      .named("embeddings_too_few");
}

}  // namespace tutti::routing
