#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "core/picture/sheet.hpp"

/// Parts of sheets while one is drawn. Nobody outside this folder includes this.
namespace hostsplit::pieces {

/// Puts a piece onto a sheet; its upper left corner comes to that cell.
void place(Sheet& sheet, const Sheet& piece, int x, int y);

/// Pieces of one width in columns, each in the column that is shortest so far.
/// \return the height they take
int place_in_columns(Sheet& sheet, const std::vector<Sheet>& drawn, int x, int y, int columns);

inline constexpr int gap = 1;  ///< cells between boxes side by side
/// How many boxes of at least `narrowest` cells are put side by side; two where there is only one, so that boxes of one
/// sheet are alike.
int columns_in(int width, int narrowest, std::size_t boxes);
/// The width of one of them.
int column_width(int width, int columns);

/// Marks side by side that end at a cell; what does not fit is counted ("+3").
/// \return the cells they take, with a blank before them; 0 without marks
int draw_marks(Sheet& sheet, const MachinePicture& picture, const Marks& marks, int end, int y, int most,
               bool on_border = false);

/// A box that grows with its lines.
class Box {
 public:
  /// \param title  stands in its border, with the marks at the right
  Box(const MachinePicture& picture, int width, const std::string& title, const Marks& marks, Colour colour);

  /// Cells of a line inside it.
  int inner() const { return sheet_.width - 4; }
  int left() const { return 2; }
  int next_line() const { return next_; }
  Sheet& sheet() { return sheet_; }

  /// As many lines as it takes.
  void text(std::string_view text, TextRole role = TextRole::plain, Colour colour = {}, int indent = 0);
  /// A line for each socket, with what is plugged in behind its name, or below it where both are too long.
  void sockets(const std::vector<SocketPicture>& sockets, const Colour& colour);
  void bar(SheetBar bar);
  /// Lines that were drawn into sheet().
  void skip(int lines) { next_ += lines; }
  /// Closes it.
  Sheet done(bool section = false);

 private:
  void socket(const SocketPicture& socket, const Colour& colour, int column);

  const MachinePicture& picture_;
  Sheet sheet_;
  Colour colour_;
  int next_ = 1;
};

}  // namespace hostsplit::pieces
