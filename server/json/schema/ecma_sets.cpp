#include "server/json/schema/ecma_sets.hpp"

namespace tutti::json::schema {
namespace {
struct SetProperty {
  std::string_view name;
  std::string_view re2;
};
constexpr SetProperty kCategories[] = {
    {"Letter", "L"},
    {"Uppercase_Letter", "Lu"},
    {"Lowercase_Letter", "Ll"},
    {"Titlecase_Letter", "Lt"},
    {"Modifier_Letter", "Lm"},
    {"Other_Letter", "Lo"},
    {"Mark", "M"},
    {"Combining_Mark", "M"},
    {"Nonspacing_Mark", "Mn"},
    {"Spacing_Mark", "Mc"},
    {"Enclosing_Mark", "Me"},
    {"Number", "N"},
    {"Decimal_Number", "Nd"},
    {"digit", "Nd"},
    {"Letter_Number", "Nl"},
    {"Other_Number", "No"},
    {"Punctuation", "P"},
    {"punct", "P"},
    {"Connector_Punctuation", "Pc"},
    {"Dash_Punctuation", "Pd"},
    {"Open_Punctuation", "Ps"},
    {"Close_Punctuation", "Pe"},
    {"Initial_Punctuation", "Pi"},
    {"Final_Punctuation", "Pf"},
    {"Other_Punctuation", "Po"},
    {"Symbol", "S"},
    {"Math_Symbol", "Sm"},
    {"Currency_Symbol", "Sc"},
    {"Modifier_Symbol", "Sk"},
    {"Other_Symbol", "So"},
    {"Separator", "Z"},
    {"Space_Separator", "Zs"},
    {"Line_Separator", "Zl"},
    {"Paragraph_Separator", "Zp"},
    {"Control", "Cc"},
    {"cntrl", "Cc"},
    {"Format", "Cf"},
    {"Surrogate", "Cs"},
    {"Private_Use", "Co"},
    {"Any", "Any"},
};

}  // namespace

std::string propertySet(std::string_view name, Sense sense) {
  const bool negated = sense == Sense::IsNot;
  for (const SetProperty& known : kCategories)
    if (known.name == name)
      return std::string(negated ? "\\P{" : "\\p{").append(known.re2).append("}");
  if (name == "ASCII") return negated ? "\\x{80}-\\x{10ffff}" : "\\x{0}-\\x{7f}";
  if (name == "White_Space") return std::string(negated ? kEcmaNotSpaces : kEcmaSpaces);
  if (name == "ASCII_Hex_Digit") return negated ? "\\x{0}-/:-@G-`g-\\x{10ffff}" : "0-9A-Fa-f";
  return std::string(negated ? "\\P{" : "\\p{").append(name).append("}");
}

}  // namespace tutti::json::schema
