#include "tools/prompts.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "server/agents/blueprint_yaml.hpp"

namespace tutti::tools {
namespace {

Error badPrompt(std::string_view source, std::string what) {
  return Error(Code::InvalidArgument, "prompt '" + std::string(source) + "': " + std::move(what),
               "see prompts/README.md for the form")
      .named("bad_prompt");
}

/// One ${…} of a prompt's text.
struct Placeholder {
  std::size_t begin = 0;
  std::size_t end = 0;  ///< behind the brace
  std::string_view name;
  std::string_view otherwise;
};

std::optional<Placeholder> nextPlaceholder(std::string_view text, std::size_t from) {
  const std::size_t begin = text.find("${", from);
  const std::size_t close = begin == text.npos ? text.npos : text.find('}', begin);
  if (close == text.npos) return std::nullopt;
  const std::string_view inside = text.substr(begin + 2, close - begin - 2);
  const std::size_t bar = inside.find('|');
  Placeholder found{begin, close + 1, inside.substr(0, bar), {}};
  if (bar != inside.npos) found.otherwise = inside.substr(bar + 1);
  return found;
}

Status readArguments(std::string_view source, const Json& head, mcp::Prompt& prompt) {
  const Json* arguments = json::find(head, "arguments");
  if (arguments == nullptr) return ok();
  if (!arguments->is_array()) return badPrompt(source, "'arguments' is no list");
  for (const Json& given : *arguments) {
    if (!given.is_object() || json::stringOr(given, "name", "").empty())
      return badPrompt(source, "an argument has no name");
    mcp::PromptArgument argument;
    argument.name = json::stringOr(given, "name", "");
    argument.description = json::stringOr(given, "description", "");
    if (json::stringOr(given, "required", "false") == "true")
      argument.presence = mcp::Presence::Required;
    prompt.arguments.push_back(std::move(argument));
  }
  return ok();
}

Status checkPlaceholders(std::string_view source, const PromptFile& file) {
  const auto& known = file.prompt.arguments;
  for (auto at = nextPlaceholder(file.text, 0); at; at = nextPlaceholder(file.text, at->end))
    if (std::none_of(known.begin(), known.end(),
                     [&](const auto& argument) { return argument.name == at->name; }))
      return badPrompt(source, "'${" + std::string(at->name) + "}' is no argument of it");
  return ok();
}

void getPrompt(const PromptFile& file, const std::shared_ptr<mcp::PromptCall>& call) {
  mcp::PromptOutput output;
  output.description = file.prompt.description;
  output.messages.push_back(
      {mcp::Role::User, mcp::Content::ofText(fillPrompt(file.text, call->arguments()))});
  call->finish(std::move(output));
}

void complete(const Context& context, const std::shared_ptr<mcp::CompletionCall>& call) {
  mcp::CompletionOutput output;
  if (call->argument() == "blueprint")
    for (const agents::Blueprint& blueprint : context.catalog.list())
      if (blueprint.active && blueprint.name.starts_with(call->value()))
        output.values.push_back(blueprint.name);
  output.total = std::ssize(output.values);
  call->finish(std::move(output));
}

}  // namespace

Result<PromptFile> parsePrompt(std::string_view source, std::string_view content) {
  const auto parts = agents::splitFrontMatter(content);
  if (!parts.ok()) return badPrompt(source, parts.error().message());
  auto head = agents::parseYamlMapping(parts->head);
  if (!head.ok()) return badPrompt(source, head.error().message());
  PromptFile file;
  file.prompt.name = json::stringOr(*head, "name", "");
  file.prompt.title = json::stringOr(*head, "title", "");
  file.prompt.description = json::stringOr(*head, "description", "");
  if (file.prompt.name.empty()) return badPrompt(source, "it has no name");
  if (file.prompt.description.empty()) return badPrompt(source, "it has no description");
  if (Status read = readArguments(source, *head, file.prompt); !read.ok()) return read.error();
  file.text = parts->body;
  if (Status checked = checkPlaceholders(source, file); !checked.ok()) return checked.error();
  return file;
}

std::string fillPrompt(std::string_view text, const Json& arguments) {
  std::string filled;
  std::size_t done = 0;
  for (auto at = nextPlaceholder(text, 0); at; at = nextPlaceholder(text, at->end)) {
    filled.append(text.substr(done, at->begin - done));
    const std::string given = json::stringOr(arguments, at->name, "");
    const bool present = given.find_first_not_of(" \t\r\n") != given.npos;
    filled.append(present ? std::string_view(given) : at->otherwise);
    done = at->end;
  }
  return filled.append(text.substr(done));
}

Status addPrompts(mcp::Server& server, const Context& context, const std::vector<TextFile>& files) {
  for (const TextFile& source : files) {
    auto parsed = parsePrompt(source.path, source.content);
    if (!parsed.ok()) return std::move(parsed).error();
    const auto file = std::make_shared<const PromptFile>(std::move(*parsed));
    Status added = server.addPrompt(
        file->prompt, [file](const auto& call) { getPrompt(*file, call); },
        [&context](const auto& call) { complete(context, call); });
    if (!added.ok()) return added;
  }
  return ok();
}

}  // namespace tutti::tools
