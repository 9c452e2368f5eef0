#include "server/cli/usage.hpp"

#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <memory>
#include <sstream>
#include <vector>

#include "server/base/text.hpp"
#include "server/cli/print.hpp"

namespace tutti::cli {
namespace {
constexpr std::size_t kLineMax = 80;
constexpr std::size_t kColumn = 30;  // where descriptions begin

/// A line that is too long goes on below its description.
void appendWrapped(std::string& to, std::string line) {
  while (line.size() > kLineMax) {
    const std::size_t indent = line.starts_with("  ") ? kColumn : 0;
    const std::size_t blank = line.rfind(' ', kLineMax);
    if (blank == std::string::npos || blank <= indent) break;
    to.append(line, 0, blank).push_back('\n');
    line = std::string(indent, ' ') + line.substr(blank + 1);
  }
  to.append(line).push_back('\n');
}

class HelpFormatter final : public CLI::Formatter {
 public:
  std::string make_help(const CLI::App* app, std::string name,
                        CLI::AppFormatMode mode) const override {
    if (mode == CLI::AppFormatMode::Sub) return make_expanded(app);
    return wrapped(make_description(app) + make_usage(app, name) + make_positionals(app) +
                   make_subcommands(app, mode) + make_groups(app, mode) + make_footer(app));
  }
  std::string brief(const CLI::App& app) const {
    return wrapped(make_description(&app) + make_usage(&app, app.get_name()) +
                   make_subcommands(&app, CLI::AppFormatMode::Normal) +
                   "\nOptions, and the variables that set them: " + app.get_name() + " --help\n" +
                   make_footer(&app));
  }

 private:
  static std::string wrapped(const std::string& text) {
    std::string lines;
    std::istringstream in(text);
    bool blank_before = true;
    for (std::string line; std::getline(in, line); blank_before = line.empty())
      if (!line.empty() || !blank_before) appendWrapped(lines, line);
    return lines;
  }
};

std::string wordsOf(const CLI::App& app) {
  const CLI::App* parent = app.get_parent();
  return parent == nullptr ? app.get_name() : wordsOf(*parent) + " " + app.get_name();
}

const CLI::App& chosenCommand(const CLI::App& app) {
  const auto chosen = app.get_subcommands();
  return chosen.empty() ? app : chosenCommand(*chosen.front());
}

std::vector<std::string> commandNames(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* command :
       app.get_subcommands([](const CLI::App* one) { return !one->get_group().empty(); }))
    names.push_back(command->get_name());
  return names;
}

/// Of the command and of those above it, as all take them.
std::vector<std::string> takenOptions(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* one = &app; one != nullptr; one = one->get_parent())
    for (const CLI::Option* option : one->get_options())
      for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  return names;
}

/// The first option among what nobody took, else its first word; "" when all was taken.
std::string unknownWord(const CLI::App& app) {
  const std::vector<std::string> left = app.remaining(true);
  for (const std::string& word : left)
    if (word.starts_with("--") && word.size() > 2) return word.substr(0, word.find('='));
  return left.empty() ? std::string() : left.front();
}

/// Whether it does something itself, of words that are none of its commands.
bool takesWords(const CLI::App& app) {
  return !app.get_options([](const CLI::Option* one) { return one->get_positional(); }).empty();
}

std::string didYouMean(const std::string& word, const std::vector<std::string>& known,
                       const std::string& otherwise) {
  const auto nearest = nearestNames(word, known, 1);
  return nearest.empty() ? otherwise : "did you mean " + nearest.front() + "?";
}

Error refusalFor(const CLI::App& app, const CLI::ParseError& error) {
  const CLI::App& command = chosenCommand(app);
  const std::string see = "see: " + wordsOf(command) + " --help";
  const std::string word = unknownWord(app);
  const bool own_words = takesWords(command);
  const auto commands = own_words ? std::vector<std::string>() : commandNames(command);
  if (word.starts_with("-"))
    return {Code::InvalidArgument, "unknown option '" + shortened(word, 80) + "'",
            didYouMean(word, takenOptions(command), see)};
  if (!word.empty() && !commands.empty())
    return {Code::InvalidArgument, "unknown command '" + shortened(word, 80) + "'",
            didYouMean(word, commands, see)};
  if (!word.empty())
    return {Code::InvalidArgument, "'" + shortened(word, 80) + "' is one word too many",
            own_words ? "put words that belong together in quotes, or " + see : see};
  if (!commands.empty() && error.get_exit_code() == static_cast<int>(CLI::ExitCodes::RequiredError))
    return {Code::InvalidArgument, wordsOf(command) + " wants a command: " + joined(commands), see};
  return {Code::InvalidArgument, error.what(), see};
}

constexpr const char* kCommandFooter =
    "\nEvery command takes the options of 'tutti --help' too, as --data and --blueprints.";

void layOut(CLI::App& app, const std::string& footer,
            const std::shared_ptr<CLI::FormatterBase>& formatter) {
  app.footer(footer);
  app.formatter(formatter);
  for (CLI::App* command : app.get_subcommands([](CLI::App*) { return true; }))
    layOut(*command, kCommandFooter, formatter);
}

}  // namespace

void layOutHelp(CLI::App& app, const std::string& footer) {
  layOut(app, footer, std::make_shared<HelpFormatter>());
}

std::string shortHelp(const CLI::App& app) {
  return HelpFormatter().brief(app);
}

int endParse(const CLI::App& app, const CLI::ParseError& error) {
  if (error.get_exit_code() == 0) return app.exit(error);
  return printError(refusalFor(app, error));
}

}  // namespace tutti::cli
