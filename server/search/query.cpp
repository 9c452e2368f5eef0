#include "server/search/query.hpp"

#include <vector>

#include "server/base/text.hpp"

namespace tutti::search {
namespace {
/// What the index keeps prefixes from; a shorter one is half the language anyway.
constexpr std::size_t kPrefixBytesMin = 2;

Error invalid(std::string message, std::string hint) {
  return Error(Code::InvalidArgument, std::move(message), std::move(hint)).named("invalid_query");
}

struct Token {
  enum class Type { Phrase, And, Or, Not, Open, Close, End };
  Type type = Type::End;
  std::string text;  ///< of a phrase: as FTS5 takes it
};

bool isBlank(char c) {
  return (c >= 0 && c <= ' ') || c == 0x7f;
}

/// Has `text` something that the tokenizer makes a word of? General punctuation (U+2000 to U+206F)
/// and that of CJK (U+3000 to U+303F) is told from letters; other rarities simply match nothing.
bool hasWord(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) return true;
    if ((static_cast<unsigned char>(c) & 0x80U) == 0) continue;
    const std::string_view rest = text.substr(i);
    const bool punctuation = rest.starts_with("\xe2\x80") || rest.starts_with("\xe2\x81") ||
                             rest.starts_with("\xe3\x80");
    if (!punctuation) return true;
    i += 2;
  }
  return false;
}

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  Result<std::vector<Token>> tokens() {
    std::vector<Token> all;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (isBlank(c)) {
        ++at_;
      } else if (c == '(' || c == ')') {
        all.push_back({c == '(' ? Token::Type::Open : Token::Type::Close, {}});
        ++at_;
      } else if (c == '"') {
        if (Status taken = takeQuoted(all); !taken.ok()) return taken.error();
      } else if (Status taken = takeWord(all); !taken.ok()) {
        return taken.error();
      }
    }
    all.push_back({});
    return all;
  }

 private:
  Status takeQuoted(std::vector<Token>& all) {
    const std::size_t end = text_.find('"', at_ + 1);
    if (end == std::string_view::npos)
      return invalid("the query has a quote without its other half",
                     "close the phrase with \", or leave the quote out");
    const std::string_view inside = text_.substr(at_ + 1, end - at_ - 1);
    at_ = end + 1;
    const bool prefix = at_ < text_.size() && text_[at_] == '*';
    if (prefix) ++at_;
    return addPhrase(all, inside, prefix);
  }

  Status takeWord(std::vector<Token>& all) {
    const std::size_t begin = at_;
    while (at_ < text_.size() && !isBlank(text_[at_]) &&
           std::string_view("()\"").find(text_[at_]) == std::string_view::npos)
      ++at_;
    std::string_view word = text_.substr(begin, at_ - begin);
    if (word == "AND") return addOperator(all, Token::Type::And);
    if (word == "OR") return addOperator(all, Token::Type::Or);
    if (word == "NOT") return addOperator(all, Token::Type::Not);
    const bool prefix = word.back() == '*';
    while (!word.empty() && word.back() == '*') word.remove_suffix(1);
    return addPhrase(all, word, prefix);
  }

  static Status addOperator(std::vector<Token>& all, Token::Type type) {
    all.push_back({type, {}});
    return ok();
  }

  static Status addPhrase(std::vector<Token>& all, std::string_view inside, bool prefix) {
    if (!hasWord(inside)) return ok();
    if (prefix && inside.size() < kPrefixBytesMin)
      return invalid("the prefix '" + std::string(inside) + "*' is too short",
                     "write at least two letters before *");
    std::string text = "\"";
    for (const char c : inside) text += isBlank(c) ? ' ' : c;
    all.push_back({Token::Type::Phrase, text + (prefix ? "\"*" : "\"")});
    return ok();
  }

  const std::string_view text_;
  std::size_t at_ = 0;
};

/// Recursive descent; every expression comes out in parentheses of its own.
class Parser {
 public:
  Parser(std::vector<Token> tokens, const QueryLimits& limits)
      : tokens_(std::move(tokens)), limits_(limits) {}

  Result<Query> parse() {
    Result<std::string> whole = alternatives(0);
    if (!whole.ok()) return whole.error();
    if (peek() == Token::Type::Close) return unbalanced();
    Query query;
    query.expression = std::move(*whole);
    query.phrases = static_cast<int>(phrases_.size());
    if (!has_operators_ && phrases_.size() > 1) {
      for (const std::string& phrase : phrases_)
        query.any += (query.any.empty() ? "" : " OR ") + phrase;
      query.any = "(" + query.any + ")";
    }
    return query;
  }

 private:
  Token::Type peek() const { return tokens_[at_].type; }

  static Error unbalanced() {
    return invalid("the query has a parenthesis without its other half",
                   "close it, or put the text in quotes");
  }
  static Error operandMissing() {
    return invalid("the query has an operator with nothing to apply it to",
                   "AND, OR and NOT stand between words; write them small to search for them");
  }

  Result<std::string> alternatives(std::size_t depth) {
    std::string all;
    for (;;) {
      Result<std::string> next = conjunction(depth);
      if (!next.ok()) return next;
      all += (all.empty() ? "" : " OR ") + *next;
      if (peek() != Token::Type::Or) return "(" + all + ")";
      has_operators_ = true;
      ++at_;
    }
  }

  /// Words and groups, each wanted or (after NOT) unwanted.
  Result<std::string> conjunction(std::size_t depth) {
    std::string wanted;
    std::string unwanted;
    bool operand_expected = false;
    for (;;) {
      const Token::Type type = peek();
      if (type == Token::Type::And) {
        if (operand_expected || (wanted.empty() && unwanted.empty())) return operandMissing();
        has_operators_ = operand_expected = true;
        ++at_;
        continue;
      }
      if (type == Token::Type::Or || type == Token::Type::Close || type == Token::Type::End) break;
      const bool negated = type == Token::Type::Not;
      if (negated) ++at_;
      Result<std::string> one = operand(depth);
      if (!one.ok()) return one;
      if (negated) has_operators_ = true;
      if (negated)
        unwanted += " NOT " + *one;
      else
        wanted += (wanted.empty() ? "" : " AND ") + *one;
      operand_expected = false;
    }
    if (operand_expected) return operandMissing();
    if (wanted.empty() && unwanted.empty()) return emptyError(depth);
    if (wanted.empty())
      return invalid("the query says only what must not be there",
                     "add a word that must be there before NOT");
    return unwanted.empty() ? "(" + wanted + ")" : "((" + wanted + ")" + unwanted + ")";
  }

  Error emptyError(std::size_t depth) const {
    if (peek() == Token::Type::Close && depth == 0) return unbalanced();
    if (tokens_.size() == 1 || phrases_.empty())
      return invalid("the query has no words", "pass at least one word to search for");
    return operandMissing();
  }

  Result<std::string> operand(std::size_t depth) {
    if (peek() == Token::Type::Phrase) {
      if (phrases_.size() >= limits_.words_max)
        return invalid("the query has more than " + std::to_string(limits_.words_max) + " words",
                       "search for fewer");
      phrases_.push_back(tokens_[at_].text);
      return tokens_[at_++].text;
    }
    if (peek() != Token::Type::Open) return operandMissing();
    if (depth >= limits_.depth_max)
      return invalid("the query's parentheses are nested too deeply",
                     "use at most " + std::to_string(limits_.depth_max) + " levels");
    has_operators_ = true;
    ++at_;
    Result<std::string> inner = alternatives(depth + 1);
    if (!inner.ok()) return inner;
    if (peek() != Token::Type::Close) return unbalanced();
    ++at_;
    return inner;
  }

  const std::vector<Token> tokens_;
  const QueryLimits& limits_;
  std::size_t at_ = 0;
  std::vector<std::string> phrases_;
  bool has_operators_ = false;
};
}  // namespace

Result<Query> parseQuery(std::string_view text, const QueryLimits& limits) {
  if (text.size() > limits.bytes_max)
    return invalid("the query has " + std::to_string(text.size()) + " bytes, more than " +
                       std::to_string(limits.bytes_max),
                   "search for fewer words");
  const std::string valid = toValidUtf8(text);
  Result<std::vector<Token>> tokens = Lexer(valid).tokens();
  if (!tokens.ok()) return tokens.error();
  return Parser(std::move(*tokens), limits).parse();
}

}  // namespace tutti::search
