#include "server/json/schema/schema.hpp"

#include <nlohmann/json.hpp>
#include <utility>

#include "server/json/schema/compiler.hpp"
#include "server/json/schema/evaluator.hpp"

namespace tutti::json {

struct Schema::Impl {
  Options options;
  std::unique_ptr<schema::Program> program;
};

Schema::Schema(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Schema::Schema(Schema&&) noexcept = default;
Schema& Schema::operator=(Schema&&) noexcept = default;
Schema::~Schema() = default;

Result<Schema> Schema::compile(const Json& schema, Options options) {
  schema::Compiler compiler(options);
  auto program = compiler.run(schema);
  if (!program.ok()) return program.error();
  options.lookup = nullptr;  // its documents need not outlive this call
  auto impl = std::make_unique<Impl>();
  impl->options = std::move(options);
  impl->program = std::move(program).value();
  return Schema(std::move(impl));
}

std::vector<SchemaError> Schema::validate(const Json& instance) const {
  schema::Evaluator evaluator(*impl_->program, impl_->options);
  if (evaluator.check(instance)) return {};
  if (evaluator.aborted()) return {evaluator.bound()};
  return evaluator.explain(instance);
}

std::string errorsJson(const std::vector<SchemaError>& errors) {
  Json list = Json::array();
  for (const SchemaError& error : errors)
    list.push_back(Json::object({{"path", error.instance_path},
                                 {"schema_path", error.schema_path},
                                 {"value", error.value},
                                 {"message", error.message}}));
  return dump(list);
}

std::string errorsText(const std::vector<SchemaError>& errors) {
  constexpr std::size_t kShownErrorsMax = 3;
  std::string text;
  for (std::size_t i = 0; i < errors.size() && i < kShownErrorsMax; ++i) {
    if (i > 0) text += "; ";
    if (!errors[i].instance_path.empty()) text += "at '" + errors[i].instance_path + "': ";
    text += errors[i].message;
  }
  if (errors.size() > kShownErrorsMax)
    text += "; and " + std::to_string(errors.size() - kShownErrorsMax) + " more";
  return text;
}

}  // namespace tutti::json
