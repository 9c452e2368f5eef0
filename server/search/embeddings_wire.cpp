#include "server/search/embeddings_wire.hpp"

#include <cmath>
#include <nlohmann/json.hpp>

#include "server/base/text.hpp"
#include "server/json/json.hpp"

namespace tutti::search {
namespace {
Error bad(std::string name, std::string message, std::string hint) {
  return Error(Code::Internal, "the embeddings server " + std::move(message), std::move(hint))
      .named(std::move(name));
}

Error invalidAnswer(const EmbeddingsOptions& options, const std::string& what) {
  return bad("embeddings_invalid", "answered " + what,
             "is '" + options.url + "' an embeddings server of the configured kind?");
}

/// The array of numbers for each text, in the order of the texts.
Result<std::vector<const Json*>> arraysOf(const EmbeddingsOptions& options, const Json& answer,
                                          std::size_t count) {
  const bool ollama = options.wire == EmbeddingsWire::Ollama;
  const char* const member = ollama ? "embeddings" : "data";
  const auto found = answer.is_object() ? answer.find(member) : answer.end();
  if (!answer.is_object() || found == answer.end() || !found->is_array())
    return invalidAnswer(options, std::string("without the array '") + member + "'");
  if (found->size() != count)
    return bad("embeddings_count",
               "gave " + std::to_string(found->size()) + " vectors for " + std::to_string(count) +
                   " texts",
               "lower the batch size, or look at the server's log");
  std::vector<const Json*> arrays(count, nullptr);
  for (std::size_t i = 0; i < count; ++i) {
    const Json& item = (*found)[i];
    if (ollama) {
      arrays[i] = &item;
      continue;
    }
    if (!item.is_object()) return invalidAnswer(options, "a vector that is not an object");
    const auto place = json::integerOr(item, "index", static_cast<std::int64_t>(i));
    const auto numbers = item.find("embedding");
    if (place < 0 || place >= static_cast<std::int64_t>(count) || numbers == item.end())
      return invalidAnswer(options, "a vector without a valid index and embedding");
    arrays[static_cast<std::size_t>(place)] = &*numbers;
  }
  for (const Json* array : arrays)
    if (array == nullptr || !array->is_array())
      return invalidAnswer(options, "without an array of numbers for each text");
  return arrays;
}

Result<Vector> normalised(const EmbeddingsOptions& options, const Json& numbers) {
  const auto wanted = static_cast<std::size_t>(options.dimensions);
  if (numbers.empty() || (wanted != 0 && numbers.size() != wanted))
    return bad("embeddings_dimension",
               "gave a vector of " + std::to_string(numbers.size()) + " dimensions instead of " +
                   (wanted == 0 ? "at least one" : std::to_string(wanted)),
               "correct the configured dimensions or the model");
  double squares = 0;
  Vector vector;
  vector.reserve(numbers.size());
  for (const Json& number : numbers) {
    const double value = number.is_number() ? number.get<double>() : std::nan("");
    if (!std::isfinite(value) || std::fabs(value) > 1e18)
      return bad("embeddings_not_finite", "gave a vector with something that is not a number",
                 "look at the server's log; some models overflow on long texts");
    squares += value * value;
    vector.push_back(static_cast<float>(value));
  }
  const double length = std::sqrt(squares);
  if (length < 1e-30)
    return bad("embeddings_zero", "gave a vector of length 0, which is like nothing",
               "look at the server's log");
  for (float& value : vector) value = static_cast<float>(static_cast<double>(value) / length);
  return vector;
}
}  // namespace

std::string embeddingsUrl(const EmbeddingsOptions& options) {
  std::string url = options.url;
  while (!url.empty() && url.back() == '/') url.pop_back();
  if (options.wire == EmbeddingsWire::Ollama) return url + "/api/embed";
  return url + (url.ends_with("/v1") ? "/embeddings" : "/v1/embeddings");
}

std::string embeddingsRequest(const EmbeddingsOptions& options,
                              std::span<const std::string> texts) {
  Json body = Json::object();
  body["model"] = options.model;
  body["input"] = Json::array();
  for (const std::string& text : texts) body["input"].push_back(text);
  if (options.dimensions > 0) body["dimensions"] = options.dimensions;
  if (options.wire == EmbeddingsWire::OpenAi) body["encoding_format"] = "float";
  if (options.wire == EmbeddingsWire::Ollama) body["truncate"] = true;
  return json::dump(body);
}

Result<std::vector<Vector>> embeddingsAnswer(const EmbeddingsOptions& options,
                                             std::string_view body, std::size_t count) {
  const Result<Json> answer = json::parse(body);
  // NaN is no JSON; servers in Python write it anyway.
  if (!answer.ok() && body.find("NaN") != std::string_view::npos)
    return bad("embeddings_not_finite", "gave a vector with NaN in it",
               "look at the server's log; some models overflow on long texts");
  if (!answer.ok()) return invalidAnswer(options, "what is not JSON");
  const Result<std::vector<const Json*>> arrays = arraysOf(options, *answer, count);
  if (!arrays.ok()) return arrays.error();
  std::vector<Vector> vectors;
  for (const Json* numbers : *arrays) {
    Result<Vector> vector = normalised(options, *numbers);
    if (!vector.ok()) return vector.error();
    if (!vectors.empty() && vectors.front().size() != vector->size())
      return bad("embeddings_dimension",
                 "gave vectors of " + std::to_string(vectors.front().size()) + " and of " +
                     std::to_string(vector->size()) + " dimensions in one answer",
                 "look at the server's log");
    vectors.push_back(std::move(*vector));
  }
  return vectors;
}

Error embeddingsStatusError(const EmbeddingsOptions& options, int status) {
  const std::string said = "the embeddings server answered " + std::to_string(status);
  if (status == 401 || status == 403)
    return Error(Code::FailedPrecondition, said + ": the key is missing or not accepted",
                 options.key_environment.empty()
                     ? "configure which environment variable holds the key"
                     : "check the key in " + options.key_environment)
        .named("embeddings_refused");
  if (status == 404)
    return Error(Code::FailedPrecondition,
                 said + ": no model '" + options.model + "', or no embeddings at that address",
                 "check url and model (with Ollama: ollama pull " + options.model + ")")
        .named("embeddings_refused");
  if (status == 429 || status >= 500 || status < 400 || status == 408)
    return Error(Code::Unavailable, said, "it is tried again later")
        .named("embeddings_unreachable");
  // Not what it says beside the status: it may repeat the text.
  return Error(Code::InvalidArgument, said + " to these texts",
               "they are not embedded, the others are; its own log says why")
      .named("embeddings_rejected");
}

}  // namespace tutti::search
