// Paths and errors of the second run.
#include <algorithm>
#include <charconv>

#include "server/json/schema/evaluator.hpp"
#include "server/json/schema/print.hpp"

namespace tutti::json::schema {
namespace {
void appendStep(std::string& path, std::string_view name) {
  path += '/';
  for (const char c : name) {
    if (c == '~' || c == '/') {
      path += c == '~' ? "~0" : "~1";
    } else {
      path += c;
    }
  }
}

template <class Steps>
std::string pointer(const Steps& steps) {
  std::string path;
  for (const auto& step : steps) {
    if (step.name != nullptr) {
      appendStep(path, {step.name, step.size_or_index});
    } else {
      path += '/' + std::to_string(step.size_or_index);
    }
  }
  return path;
}
}  // namespace

Evaluator::At::At(Evaluator& evaluator, std::string_view keyword)
    : evaluator_(evaluator),
      schema_size_(evaluator.schema_path_.size()),
      instance_size_(evaluator.instance_path_.size()) {
  if (evaluator_.errors_ != nullptr)
    evaluator_.schema_path_.push_back({keyword.data(), keyword.size()});
}

Evaluator::At::At(Evaluator& evaluator, std::string_view keyword, std::size_t branch)
    : At(evaluator, keyword) {
  if (evaluator_.errors_ != nullptr) evaluator_.schema_path_.push_back({nullptr, branch});
}

Evaluator::At::At(Evaluator& evaluator, std::string_view keyword, std::string_view name)
    : At(evaluator, keyword) {
  if (evaluator_.errors_ != nullptr) evaluator_.schema_path_.push_back({name.data(), name.size()});
}

Evaluator::At::~At() {
  evaluator_.schema_path_.resize(schema_size_);
  evaluator_.instance_path_.resize(instance_size_);
}

Evaluator::At& Evaluator::At::member(std::string_view name) {
  if (evaluator_.errors_ != nullptr)
    evaluator_.instance_path_.push_back({name.data(), name.size()});
  return *this;
}

Evaluator::At& Evaluator::At::item(std::size_t index) {
  if (evaluator_.errors_ != nullptr) evaluator_.instance_path_.push_back({nullptr, index});
  return *this;
}

void Evaluator::report(std::string_view keyword, const Json& value, std::string message) {
  if (aborted_ != nullptr || errors_->size() >= options_.errors_max) return;
  std::string schema_path = pointer(schema_path_);
  if (!keyword.empty()) appendStep(schema_path, keyword);
  errors_->push_back({.instance_path = pointer(instance_path_),
                      .schema_path = std::move(schema_path),
                      .value = shownJson(value),
                      .message = std::move(message)});
}

}  // namespace tutti::json::schema
