// Any text as a schema and an instance, with a newline between them: compiling and validating end,
// soon, with an answer, and the same schema gives the same answer twice.
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>

#include "server/json/schema/schema.hpp"
#include "tests/fuzz/require.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using tutti::fuzz::require;
  namespace json = tutti::json;
  if (size > 16U * 1024) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t newline = text.find('\n');
  const auto schema_text = json::parse(text.substr(0, newline));
  if (!schema_text.ok()) return 0;
  const auto instance =
      newline == text.npos ? json::parse("{}") : json::parse(text.substr(newline + 1));
  if (!instance.ok()) return 0;

  json::SchemaOptions options;
  options.steps_max = 20'000;
  options.nodes_max = 2'000;
  const auto schema = json::Schema::compile(*schema_text, options);
  if (!schema.ok()) {
    require(!schema.error().message().empty(), "a refusal says why");
    return 0;
  }
  const auto errors = schema->validate(*instance);
  require(errors.size() <= options.errors_max + 1, "errors_max holds");
  for (const json::SchemaError& error : errors)
    require(!error.message.empty(), "an error says what is wrong");
  require(tutti::Json::accept(json::errorsJson(errors)), "errors are JSON");
  require(schema->validate(*instance).size() == errors.size(), "the same answer twice");
  return 0;
}
