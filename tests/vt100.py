"""A VT100 as far as ncurses uses one: what a program draws, put together to the screen a person sees."""

import codecs
import re
import unicodedata


class Screen:
    """A terminal of that size; feed() it what the program writes."""

    def __init__(self, width, height):
        self.width, self.height = width, height
        self.cells = [[" "] * width for _ in range(height)]
        self.row = self.column = 0
        self.top, self.bottom = 0, height - 1  # the lines that scroll
        self.rest = ""
        self.decode = codecs.getincrementaldecoder("utf-8")("replace").decode

    def feed(self, data):
        text = self.rest + self.decode(data)
        self.rest = ""
        while text:
            sequence = re.match(r"\x1b(?:\[[0-9;?]*[@-~]|[()][A-Z0-9]|[=>78M])", text)
            if sequence:
                self.control(sequence[0])
                text = text[sequence.end():]
            elif text[0] == "\x1b":
                self.rest = text
                return
            else:
                self.put(text[0])
                text = text[1:]

    def control(self, sequence):
        numbers = [int(n) for n in re.findall(r"\d+", sequence)]
        first = numbers[0] if numbers else 0
        kind = sequence[-1] if sequence[1] == "[" else ""
        if sequence == "\x1bM":
            self.back()
        if kind == "H":
            self.row, self.column = max(first, 1) - 1, (numbers[1] if len(numbers) > 1 else 1) - 1
        elif kind == "A":
            self.row = max(self.row - max(first, 1), 0)
        elif kind == "B":
            self.row = min(self.row + max(first, 1), self.height - 1)
        elif kind == "C":
            self.column += max(first, 1)
        elif kind == "D":
            self.column -= max(first, 1)
        elif kind == "r":
            self.top, self.bottom = max(first, 1) - 1, (numbers[1] if len(numbers) > 1 else self.height) - 1
            self.row = self.column = 0
        elif kind == "K":
            start, end = (0, self.column + 1) if first == 1 else (self.column, self.width)
            self.cells[self.row][start:end] = [" "] * (end - start)
        elif kind == "J":
            self.cells[self.row][self.column:] = [" "] * (self.width - self.column)
            for row in range(self.row + 1, self.height):
                self.cells[row] = [" "] * self.width

    def on(self):
        """A line down; at the last of those that scroll they scroll."""
        if self.row == self.bottom:
            self.cells[self.top:self.bottom + 1] = self.cells[self.top + 1:self.bottom + 1] + [[" "] * self.width]
        else:
            self.row = min(self.row + 1, self.height - 1)

    def back(self):
        """A line up, likewise."""
        if self.row == self.top:
            self.cells[self.top:self.bottom + 1] = [[" "] * self.width] + self.cells[self.top:self.bottom]
        else:
            self.row = max(self.row - 1, 0)

    def put(self, character):
        if character == "\r":
            self.column = 0
        elif character == "\n":
            self.on()
        elif character == "\b":
            self.column -= 1
        if ord(character) < 0x20:
            return
        wide = unicodedata.east_asian_width(character) in "WF"
        if self.column + wide >= self.width:
            self.on()
            self.column = 0
        self.cells[self.row][self.column] = character
        self.column += 1
        if wide:
            self.cells[self.row][self.column] = ""
            self.column += 1

    def text(self):
        return "\n".join("".join(row).rstrip() for row in self.cells)
