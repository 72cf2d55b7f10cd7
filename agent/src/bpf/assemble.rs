//! Instructions of extended BPF (RFC 9669), and an assembler with labels.

use std::collections::HashMap;

/// One instruction in the kernel's form (`struct bpf_insn`; RFC 9669, section 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(C)]
pub struct Instruction {
    /// Operation.
    pub code: u8,
    /// Destination register in the low half, source register in the high half.
    pub registers: u8,
    /// Offset of a jump in instructions, or of a memory access in bytes.
    pub offset: i16,
    /// Operand.
    pub immediate: i32,
}

/// A register. By the kernel's convention `R0` holds results, `R1` to `R5` arguments (lost in a call), `R6` to `R9` survive
/// calls, and `R10` points behind the stack of 512 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "told above")]
#[repr(u8)]
pub enum Register {
    R0,
    R1,
    R2,
    R3,
    R4,
    R5,
    R6,
    R7,
    R8,
    R9,
    R10,
}

/// How many bytes a memory access moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Width {
    /// One.
    Byte = 0x10,
    /// Two.
    Half = 0x08,
    /// Four.
    Word = 0x00,
    /// Eight.
    Double = 0x18,
}

/// Arithmetic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
#[repr(u8)]
pub enum Operation {
    Add = 0x00,
    Subtract = 0x10,
    And = 0x50,
    ShiftLeft = 0x60,
    ShiftRight = 0x70,
    Move = 0xb0,
}

/// When a jump is taken: destination compared with operand, unsigned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
#[repr(u8)]
pub enum Condition {
    Equal = 0x10,
    Greater = 0x20,
    GreaterOrEqual = 0x30,
    /// Any bit in common.
    AnyBit = 0x40,
    NotEqual = 0x50,
    Less = 0xa0,
    LessOrEqual = 0xb0,
}

/// The second operand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operand {
    /// A register.
    Register(Register),
    /// A constant, sign-extended where the operation has 64 bits.
    Constant(i32),
}

impl From<Register> for Operand {
    fn from(register: Register) -> Self {
        Self::Register(register)
    }
}

impl From<i32> for Operand {
    fn from(value: i32) -> Self {
        Self::Constant(value)
    }
}

/// Functions of the kernel, by their numbers (linux/bpf.h, `enum bpf_func_id`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the kernel's names, documented in bpf-helpers(7)")]
#[repr(i32)]
pub enum Helper {
    MapLookupElem = 1,
    MapUpdateElem = 2,
    KtimeGetNs = 5,
    GetCurrentPidTgid = 14,
    GetCurrentUidGid = 15,
    GetCurrentComm = 16,
    SkbLoadBytes = 26,
    GetSocketCookie = 46,
    SkFullsock = 95,
    RingbufOutput = 130,
}

/// Why a program cannot be assembled: a mistake of the file that wrote it, found by its tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AssembleError {
    /// A jump to nowhere.
    #[error("no label {0:?}")]
    NoLabel(Label),
    /// A jump beyond 32,767 instructions.
    #[error("label {0:?} is too far away")]
    TooFar(Label),
}

/// A place in a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Label {
    /// By name, where a person writes the program.
    Name(&'static str),
    /// By number, where a program does.
    Number(usize),
}

impl From<&'static str> for Label {
    fn from(name: &'static str) -> Self {
        Self::Name(name)
    }
}

impl From<usize> for Label {
    fn from(number: usize) -> Self {
        Self::Number(number)
    }
}

/// Puts instructions in a row; labels are resolved at the end.
#[derive(Debug, Default)]
pub struct Assembler {
    code: Vec<(Instruction, Option<Label>)>,
    labels: HashMap<Label, usize>,
}

impl Assembler {
    /// An empty program.
    pub fn new() -> Self {
        Self::default()
    }

    /// The next instruction is where jumps to `name` go.
    pub fn label(&mut self, label: impl Into<Label>) {
        self.labels.insert(label.into(), self.code.len());
    }

    /// An instruction as it is.
    pub fn raw(&mut self, instruction: Instruction) {
        self.code.push((instruction, None));
    }

    /// `to = operation(to, operand)` in 64 bits.
    pub fn compute(&mut self, operation: Operation, to: Register, operand: impl Into<Operand>) {
        self.operate(ALU64 | operation as u8, to, operand.into(), None);
    }

    /// `to = operation(to, operand)` in 32 bits; the upper half becomes zero.
    pub fn compute32(&mut self, operation: Operation, to: Register, operand: impl Into<Operand>) {
        self.operate(ALU | operation as u8, to, operand.into(), None);
    }

    /// `to = operand`.
    pub fn copy(&mut self, to: Register, operand: impl Into<Operand>) {
        self.compute(Operation::Move, to, operand);
    }

    /// The lowest two or four bytes of `register` from network order to the host's, or back; the rest becomes zero.
    pub fn swap_network_order(&mut self, register: Register, width: Width) {
        let bits = if width == Width::Half { 16 } else { 32 };
        self.raw(Instruction {
            code: ALU | END_TO_BE,
            registers: register as u8,
            offset: 0,
            immediate: bits,
        });
    }

    /// `to = memory[from + offset]`.
    pub fn load(&mut self, width: Width, to: Register, from: Register, offset: i16) {
        let registers = to as u8 | (from as u8) << 4;
        self.raw(Instruction { code: LDX | MEM | width as u8, registers, offset, immediate: 0 });
    }

    /// `memory[to + offset] = from`.
    pub fn store(&mut self, width: Width, to: Register, offset: i16, from: Register) {
        let registers = to as u8 | (from as u8) << 4;
        self.raw(Instruction { code: STX | MEM | width as u8, registers, offset, immediate: 0 });
    }

    /// `memory[to + offset] = value`.
    pub fn store_constant(&mut self, width: Width, to: Register, offset: i16, value: i32) {
        self.raw(Instruction { code: ST | MEM | width as u8, registers: to as u8, offset, immediate: value });
    }

    /// `R0` = bytes of the packet at a constant offset plus `index`, in host order; a packet that is too short ends the program
    /// with 0. Only in socket filters, with the context in `R6`; `R1` to `R5` are lost (RFC 9669, section 5.5).
    pub fn load_packet(&mut self, width: Width, offset: i32, index: Option<Register>) {
        let (mode, registers) = match index {
            Some(register) => (IND, (register as u8) << 4),
            None => (ABS, 0),
        };
        self.raw(Instruction { code: LD | mode | width as u8, registers, offset: 0, immediate: offset });
    }

    /// `to` = the map behind this descriptor; valid as long as the descriptor until the program is loaded.
    pub fn load_map(&mut self, to: Register, descriptor: i32) {
        let registers = to as u8 | PSEUDO_MAP_FD << 4;
        self.raw(Instruction { code: LD | Width::Double as u8, registers, offset: 0, immediate: descriptor });
        self.raw(Instruction::default());
    }

    /// `R0 = helper(R1, …, R5)`.
    pub fn call(&mut self, helper: Helper) {
        self.raw(Instruction { code: JMP | CALL, registers: 0, offset: 0, immediate: helper as i32 });
    }

    /// Goes on at a label if the condition holds, compared in 64 bits.
    pub fn jump_if(
        &mut self,
        condition: Condition,
        register: Register,
        operand: impl Into<Operand>,
        label: impl Into<Label>,
    ) {
        self.operate(JMP | condition as u8, register, operand.into(), Some(label.into()));
    }

    /// Goes on at a label if the condition holds, compared in 32 bits.
    pub fn jump32_if(
        &mut self,
        condition: Condition,
        register: Register,
        operand: impl Into<Operand>,
        label: impl Into<Label>,
    ) {
        self.operate(JMP32 | condition as u8, register, operand.into(), Some(label.into()));
    }

    /// Goes on at a label.
    pub fn jump(&mut self, label: impl Into<Label>) {
        self.code.push((Instruction { code: JMP, ..Instruction::default() }, Some(label.into())));
    }

    /// Ends the program with the value of `R0`.
    pub fn exit(&mut self) {
        self.raw(Instruction { code: JMP | EXIT, ..Instruction::default() });
    }

    /// The program.
    ///
    /// # Errors
    /// Labels that are missing or too far away.
    pub fn finish(self) -> Result<Vec<Instruction>, AssembleError> {
        let labels = self.labels;
        self.code
            .into_iter()
            .enumerate()
            .map(|(at, (mut instruction, label))| {
                if let Some(name) = label {
                    let target = *labels.get(&name).ok_or(AssembleError::NoLabel(name))?;
                    let distance = target as i64 - at as i64 - 1;
                    instruction.offset = i16::try_from(distance).map_err(|_| AssembleError::TooFar(name))?;
                }
                Ok(instruction)
            })
            .collect()
    }

    fn operate(&mut self, code: u8, to: Register, operand: Operand, label: Option<Label>) {
        self.code.push((binary(code, to, operand), label));
    }
}

fn binary(code: u8, to: Register, operand: Operand) -> Instruction {
    match operand {
        Operand::Register(from) => Instruction {
            code: code | FROM_REGISTER,
            registers: to as u8 | (from as u8) << 4,
            offset: 0,
            immediate: 0,
        },
        Operand::Constant(value) => Instruction { code, registers: to as u8, offset: 0, immediate: value },
    }
}

// Instruction classes (RFC 9669, table 1) and what goes with them.
const LD: u8 = 0x00;
const LDX: u8 = 0x01;
const ST: u8 = 0x02;
const STX: u8 = 0x03;
const ALU: u8 = 0x04;
const JMP: u8 = 0x05;
const JMP32: u8 = 0x06;
const ALU64: u8 = 0x07;
const ABS: u8 = 0x20;
const IND: u8 = 0x40;
const MEM: u8 = 0x60;
const FROM_REGISTER: u8 = 0x08;
const END_TO_BE: u8 = 0xd8;
const CALL: u8 = 0x80;
const EXIT: u8 = 0x90;
/// The immediate is the descriptor of a map (`BPF_PSEUDO_MAP_FD`).
const PSEUDO_MAP_FD: u8 = 1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instructions_have_the_encoding_of_the_standard() {
        let mut program = Assembler::new();
        program.copy(Register::R6, Register::R1);
        program.load(Width::Word, Register::R2, Register::R6, 4);
        program.jump_if(Condition::NotEqual, Register::R2, 4, "out");
        program.store(Width::Double, Register::R10, -8, Register::R6);
        program.load_packet(Width::Half, 12, None);
        program.call(Helper::KtimeGetNs);
        program.label("out");
        program.copy(Register::R0, 0);
        program.exit();
        let bytes: Vec<[u8; 8]> = program
            .finish()
            .unwrap()
            .into_iter()
            .map(|i| {
                let [low, high] = i.offset.to_le_bytes();
                let [a, b, c, d] = i.immediate.to_le_bytes();
                [i.code, i.registers, low, high, a, b, c, d]
            })
            .collect();
        assert_eq!(
            bytes,
            [
                [0xbf, 0x16, 0, 0, 0, 0, 0, 0],
                [0x61, 0x62, 4, 0, 0, 0, 0, 0],
                [0x55, 0x02, 3, 0, 4, 0, 0, 0],
                [0x7b, 0x6a, 0xf8, 0xff, 0, 0, 0, 0],
                [0x28, 0, 0, 0, 12, 0, 0, 0],
                [0x85, 0, 0, 0, 5, 0, 0, 0],
                [0xb7, 0, 0, 0, 0, 0, 0, 0],
                [0x95, 0, 0, 0, 0, 0, 0, 0],
            ]
        );
    }

    #[test]
    fn a_jump_to_nowhere_is_refused() {
        let mut program = Assembler::new();
        program.jump("nowhere");
        assert_eq!(program.finish(), Err(AssembleError::NoLabel(Label::Name("nowhere"))));
    }
}
