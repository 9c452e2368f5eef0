// How the command line explains itself: the order of its help, and what is said of words that it
// does not know.
#pragma once

#include <CLI/App.hpp>
#include <CLI/Error.hpp>
#include <string>

namespace tutti::cli {

/// Lays out the help of `app` and of all its commands: commands before options, lines that fit a
/// terminal, and the footer on the first page only. Call once all commands are there.
void layOutHelp(CLI::App& app, const std::string& footer);

/// What the program is for and its commands, without its many options.
std::string shortHelp(const CLI::App& app);

/// Ends a parse that threw: prints the help or version that was asked for and gives 0, or says on
/// stderr what is wrong, and what was perhaps meant, and gives 2.
int endParse(const CLI::App& app, const CLI::ParseError& error);

}  // namespace tutti::cli
